"""The U-Net: a CNN that learns labelled pixels and maps pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from ..classes import LandClass
from .class_key import class_key
from .encoders import ENCODER, apply_encoder, convolution
from .patches import PatchSequence
from .sampling import LabelledPixelSampler
from .training import TrainingImages

# The layer whose outputs are the logits; its name marks a U-Net of this workflow.
LOGITS = "logits"
OUTPUT_STRIDE = 4
STEPS_PER_EPOCH = 50


@dataclass(frozen=True)
class UNetSettings:
    """Size and training of a U-Net.

    Attributes
    ----------
    encoder : str
        `plain`, `efficientnet_lite0` to `efficientnet_lite2`, or a model of keras.applications.
    channels : sequence of int
        Of the levels, from fine to coarse.
    steps : int
        Training steps.
    patch_size : int
        Side in pixels of the patches to learn from, a multiple of 64.
    batch_size : int
        Patches in one step.
    learning_rate : float
        Of AdamW, at its highest.
    brightness_jitter : float
        Largest change of the brightness of a patch, as a share.
    cutmix : float
        Share of the patches that get a rectangle of another one.
    encoder_learning_rate : float or None
        That of a pretrained encoder; None for the plain one, which learns as the rest does.
    weights : str or None
        Of a model of keras.applications: `imagenet`, the path of a file, or None.
    self_training_steps : int
        Steps of self-training that follow; 0 for none.
    """

    encoder: str
    channels: Sequence[int]
    steps: int
    patch_size: int
    batch_size: int
    learning_rate: float
    brightness_jitter: float
    cutmix: float
    encoder_learning_rate: float | None = None
    weights: str | None = None
    self_training_steps: int = 0


class UNetTrainer:
    """Trains a U-Net on the labelled pixels of images.

    The CNN has an output for each class that is labelled somewhere, and output 0, unused. An
    epoch is 50 steps.

    Parameters
    ----------
    settings : UNetSettings
    data : TrainingImages
    classes : sequence of LandClass
    seed : int
    """

    averages_weights = True

    def __init__(
        self,
        settings: UNetSettings,
        data: TrainingImages,
        classes: Sequence[LandClass],
        seed: int,
    ):
        self.settings, self.data, self.seed = settings, data, seed
        counts = [np.bincount(codes.ravel(), minlength=256) for codes in data.labels]
        labelled = np.sum(counts, axis=0)
        rivers = list(dict.fromkeys(data.rivers))
        # An output without labels would only cost time.
        self.key = class_key([c for c in classes if labelled[c.code]], rivers, local=False)
        self.epochs = count_epochs(settings.steps)

    def build(self) -> keras.Model:
        """Make the U-Net, with its initial weights, in the global dtype policy."""
        settings = self.settings
        return build_unet(settings.encoder, settings.weights, settings.channels, len(self.key) + 1)

    def compile(self, model: keras.Model, n_steps: int) -> None:
        """Set AdamW and the cross-entropy of labelled pixels.

        The learning rate rises over the first twentieth of the steps and then falls to 0 along a
        cosine (Loshchilov & Hutter 2017, ICLR).

        Parameters
        ----------
        model : keras.Model
            From `build`.
        n_steps : int
            Training steps in all.
        """
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            # Keras counts these from the end of the rise.
            decay_steps=n_steps - n_steps // 20,
            warmup_target=self.settings.learning_rate,
            warmup_steps=n_steps // 20,
        )
        optimizer = DiscriminativeAdamW(rate, weight_decay=1e-3)
        if self.settings.encoder_learning_rate is not None:
            optimizer.scale_rate(
                model.get_layer(ENCODER).trainable_variables,
                self.settings.encoder_learning_rate / self.settings.learning_rate,
            )
        # Scales and offsets are no weights to be kept small.
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        model.compile(
            optimizer=optimizer,
            loss=keras.losses.SparseCategoricalCrossentropy(reduction="mean_with_sample_weight"),
            weighted_metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        )

    def sequence(self) -> PatchSequence:
        """Patches about labelled pixels to learn from."""
        return self.sequence_of(self.data, self.seed)

    def sequence_of(self, data: TrainingImages, seed: int) -> PatchSequence:
        """Patches about labelled pixels of images.

        Parameters
        ----------
        data : TrainingImages
            Their labels are of classes of the CNN.
        seed : int
            Of all draws.

        Returns
        -------
        PatchSequence
        """
        settings = self.settings
        output_of = np.zeros(256, np.uint8)
        output_of[self.key["HierarchClass"]] = self.key["LocalClass"]
        sampler = LabelledPixelSampler(
            [output_of[codes] for codes in data.labels],
            settings.patch_size,
            settings.batch_size,
            settings.steps // self.epochs,
            settings.brightness_jitter,
            settings.cutmix,
            seed,
        )
        return PatchSequence(data.images, sampler, settings.patch_size, seed)


def count_epochs(steps: int) -> int:
    """How many epochs training steps are."""
    return max(1, round(steps / STEPS_PER_EPOCH))


class DiscriminativeAdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov & Hutter 2019, ICLR) with a lower learning rate for some variables.

    What is pretrained is to change less than what begins at random: discriminative fine-tuning
    (Howard & Ruder 2018, ACL, section 3.2).
    """

    factor = 1.0
    paths: frozenset[str] = frozenset()

    def scale_rate(self, variables: Sequence[keras.Variable], factor: float) -> None:
        """Multiply the learning rate of these variables by a factor."""
        self.paths, self.factor = frozenset(v.path for v in variables), factor

    def update_step(self, gradient, variable, learning_rate):
        # Keras hands over the variable of the backend, which does not know its path.
        path = self._trainable_variables[self._get_variable_index(variable)].path
        factor = self.factor if path in self.paths else 1.0
        super().update_step(gradient, variable, learning_rate * factor)


def build_unet(
    encoder: str, weights: str | None, channels: Sequence[int], n_outputs: int
) -> keras.Model:
    """Make a U-Net from RGB colours to class probabilities of pixels.

    The encoder gives features at 1/4 of the resolution, 1/8 and so on. The decoder enlarges the
    coarsest and adds the next finer ones, level by level. Height and width have to be multiples
    of 4, times 2 for each level but the first, and of 32 for a pretrained encoder. After
    Ronneberger et al. 2015 (MICCAI, LNCS 9351, 234-241), with batch normalisation, and sums in
    place of joined skips.

    Parameters
    ----------
    encoder, weights
        As for `apply_encoder`.
    channels : sequence of int
        Of the levels, from fine to coarse.
    n_outputs : int
        Number of outputs, output 0 for unlabelled included.

    Returns
    -------
    keras.Model
        From float32 (n, height, width, 3) of 0..255 to float32 (n, height, width, n_outputs).
    """
    inputs = keras.Input((None, None, 3), name="pixels")
    *skips, x = apply_encoder(encoder, weights, channels, inputs)
    for filters, skip in zip(channels[-2::-1], skips[::-1], strict=True):
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.UpSampling2D()(x)
        x = layers.Add()([x, skip])
        x = convolution(x, filters)
    x = layers.Conv2D(n_outputs, 1, name=LOGITS)(x)
    x = layers.UpSampling2D(OUTPUT_STRIDE, interpolation="bilinear")(x)
    return keras.Model(inputs, layers.Softmax(dtype="float32")(x))


def low_resolution_model(model: keras.Model) -> keras.Model:
    """Make a U-Net of the same weights whose outputs have a quarter of the resolution.

    Maps are made with it: to enlarge its probabilities is as good as to enlarge its logits, which
    is what it was trained with, and spares the softmax of every pixel.

    Parameters
    ----------
    model : keras.Model
        From `build_unet`.

    Returns
    -------
    keras.Model
        From the same colours to float32 (n, height / 4, width / 4, n_outputs).
    """
    logits = model.get_layer(LOGITS).output
    return keras.Model(model.input, layers.Softmax(dtype="float32")(logits))
