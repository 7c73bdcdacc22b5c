"""Phase 1 of the dense method: a U-Net that learns labelled pixels, in plain Keras 3."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import pandas as pd
from keras import layers

from .cnn import Progress, light, relight, turn

LOGITS = "logits"
STEM_CHANNELS = 24
STEM_STRIDE = 4
# Positions kept of each class in each image; windows about them overlap many times over.
POSITIONS = 4096
STEPS_PER_EPOCH = 50
# Exponent of a class's pixels: 1 draws classes as they come, 0 all alike.
BALANCE = 0.25


def build_dense_net(channels: Sequence[int], n_outputs: int, policy: str) -> keras.Model:
    """A U-Net from RGB, float32 (n, height, width, 3) of 0..255, to class probabilities of pixels.

    Two strided convolutions quarter the resolution, for at full resolution most of the time
    would go into few and shallow features; each further level halves it. Height and width have
    to be multiples of 4, times 2 for each level but the first. After Ronneberger et al. 2015
    (MICCAI, LNCS 9351, 234-241), with batch normalisation, and sums in place of joined skips.

    Parameters
    ----------
    channels
        Of the levels, from fine to coarse.
    policy
        Keras dtype policy to compute in.

    Returns
    -------
    A model with float32 outputs (n, height, width, n_outputs).
    """
    keras.config.set_dtype_policy(policy)
    inputs = keras.Input((None, None, 3), name="pixels")
    x = layers.Rescaling(1 / 128, offset=-1)(inputs)
    x = _convolution(x, STEM_CHANNELS, strides=2)
    skips = []
    for level, filters in enumerate(channels):
        x = _convolution(x, filters, strides=2)
        for _ in range(1 if level == 0 else 2):
            x = _convolution(x, filters)
        skips.append(x)
    for filters, skip in zip(channels[-2::-1], skips[-2::-1], strict=True):
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.UpSampling2D()(x)
        x = layers.Add()([x, skip])
        x = _convolution(x, filters)
    x = layers.Conv2D(n_outputs, 1, name=LOGITS)(x)
    x = layers.UpSampling2D(STEM_STRIDE, interpolation="bilinear")(x)
    return keras.Model(inputs, layers.Softmax(dtype="float32")(x))


def coarse_network(model: keras.Model) -> keras.Model:
    """The network with outputs of a quarter of the resolution, (n, height / 4, width / 4, outputs).

    Maps are made with it: to enlarge its probabilities is as good as to enlarge its logits, which
    is what it was trained with, and spares the softmax of every pixel.
    """
    logits = model.get_layer(LOGITS).output
    return keras.Model(model.input, layers.Softmax(dtype="float32")(logits))


def train_dense_net(
    model: keras.Model,
    images: Sequence[np.ndarray],
    outputs: Sequence[np.ndarray],
    settings: Mapping,
    seed: int,
) -> pd.DataFrame:
    """Fit the network to labelled pixels.

    AdamW (Loshchilov & Hutter 2019, ICLR), the learning rate rising over the first twentieth of
    the steps and then falling to 0 along a cosine. The loss is the cross-entropy of labelled
    pixels.

    Parameters
    ----------
    images
        RGB, uint8 (height, width, 3).
    outputs
        Index of the right output of each pixel, uint8 (height, width); 0 is unlabelled.
    settings
        The section `dense` of the config.

    Returns
    -------
    epoch (from 1; of 50 steps), loss and accuracy on the labelled pixels as augmented.
    """
    steps = settings["steps"]
    epochs = max(1, round(steps / STEPS_PER_EPOCH))
    windows = Windows(images, outputs, settings, seed, steps // epochs)
    total = len(windows) * epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        # Keras counts these from the end of the rise.
        decay_steps=total - total // 20,
        warmup_target=settings["learning_rate"],
        warmup_steps=total // 20,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)
    # Scales and offsets are no weights to be kept small.
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
        weighted_metrics=["accuracy"],
    )
    history = model.fit(
        windows, epochs=epochs, shuffle=False, verbose=0, callbacks=[Progress()]
    ).history
    curves = pd.DataFrame({name: history[name] for name in ("loss", "accuracy")})
    curves.insert(0, "epoch", range(1, epochs + 1))
    return curves


class Windows(keras.utils.PyDataset):
    """Batches of windows about labelled pixels, turned, mirrored and re-lit, from one seed.

    Each window lies about a pixel of a class that is drawn in proportion to the fourth root of
    the class's pixels: almost all alike, so that rare classes are seen.

    Parameters
    ----------
    images, outputs
        As for `train_dense_net`; an image smaller than a window is mirrored at its edges.
    settings
        The section `dense` of the config.
    steps
        Batches an epoch.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        outputs: Sequence[np.ndarray],
        settings: Mapping,
        seed: int,
        steps: int,
    ):
        super().__init__()
        self.size, self.batch_size = settings["window"], settings["batch_size"]
        self.light, self.seed, self.steps = settings["light"], seed, steps
        self.images, self.outputs = [], []
        for image, codes in zip(images, outputs, strict=True):
            short = [(0, max(0, self.size - side)) for side in codes.shape]
            if np.any(short):
                image = np.pad(image, (*short, (0, 0)), mode="symmetric")
                codes = np.pad(codes, short)
            self.images.append(image)
            self.outputs.append(codes)
        counts = np.array([np.bincount(codes.ravel(), minlength=256) for codes in self.outputs])
        counts[:, 0] = 0
        self.counts = counts
        share = counts.sum(axis=0) ** BALANCE
        self.share = share / share.sum()
        rng = np.random.default_rng(seed)
        self.positions = {}
        for number, codes in enumerate(self.outputs):
            for output in np.flatnonzero(counts[number]):
                found = np.flatnonzero(codes == output)
                kept = rng.choice(found, min(POSITIONS, len(found)), replace=False)
                self.positions[number, output] = kept.astype(np.int32)
        self.epoch = 0

    def on_epoch_end(self):
        self.epoch += 1

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, batch: int):
        rng = np.random.default_rng([self.seed, self.epoch, batch])
        shape = (self.batch_size, self.size, self.size)
        pixels, outputs = np.empty((*shape, 3), np.float32), np.empty(shape, np.uint8)
        for n in range(self.batch_size):
            number, rows, columns = self.place(rng)
            symmetry = rng.integers(8)
            pixels[n] = turn(self.images[number][None, rows, columns], symmetry)[0]
            outputs[n] = turn(self.outputs[number][None, rows, columns], symmetry)[0]
        relight(pixels, light(self.batch_size, self.light, self.light / 3, rng))
        return pixels, outputs, (outputs > 0).astype(np.float32)

    def place(self, rng: np.random.Generator) -> tuple[int, slice, slice]:
        """Which image a window is cut from, and its rows and columns."""
        output = rng.choice(len(self.share), p=self.share)
        of_image = self.counts[:, output]
        number = rng.choice(len(of_image), p=of_image / of_image.sum())
        shape = self.outputs[number].shape
        at = np.unravel_index(rng.choice(self.positions[number, output]), shape)
        starts = (
            int(np.clip(pixel - rng.integers(self.size), 0, side - self.size))
            for pixel, side in zip(at, shape, strict=True)
        )
        rows, columns = (slice(start, start + self.size) for start in starts)
        return number, rows, columns


def _convolution(x, filters: int, strides: int = 1):
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    # The usual 0.99 needs more steps to settle than a small river gives.
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.ReLU()(x)
