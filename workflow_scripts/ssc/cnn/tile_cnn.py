"""The tile CNN: it learns pure tiles and maps tiles (Carbonneau et al. 2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import keras
import numpy as np
from keras import layers

from ..classes import LandClass
from ..errors import SettingError
from .applications import apply_pretrained
from .class_key import class_key, key_outputs
from .patches import PatchSequence
from .sampling import TileSampler
from .tiles import find_training_tiles
from .training import TrainingImages

# The name of the input marks a CNN of this workflow, which scales colours by itself.
TILE_INPUT = "tiles"


@dataclass(frozen=True)
class TileCnnSettings:
    """Architecture, tiles and training of a tile CNN.

    Attributes
    ----------
    architecture : str
        `compact` or the name of a model of keras.applications.
    weights : str or None
        Of the base: `imagenet`, the path of a file, or None for a random start.
    trainable_layers : str or sequence of str
        Parts of the names of the layers of a base with weights that learn, or `all`.
    local_classes : bool
        Whether each river has outputs of its own.
    tile_size, tile_stride : int
        Side of a tile, and from one training tile to the next, in pixels.
    purity : float
        Share of one class that a training tile needs.
    epochs, batch_size : int
        Passes over the tiles, and tiles in one step.
    min_steps : int
        Training steps that a CNN takes at least: with few tiles it makes more epochs.
    learning_rate : float
        Of Adam (amsgrad), at the start.
    schedule : str
        `cosine` (the learning rate falls to 0) or `constant`.
    augment, balance : bool
        As for `TileSampler`.
    """

    architecture: str
    weights: str | None
    trainable_layers: str | Sequence[str]
    local_classes: bool
    tile_size: int
    tile_stride: int
    purity: float
    epochs: int
    min_steps: int
    batch_size: int
    learning_rate: float
    schedule: str
    augment: bool
    balance: bool


class TileCnnTrainer:
    """Trains a tile CNN on the pure tiles of images.

    Parameters
    ----------
    settings : TileCnnSettings
    data : TrainingImages
    classes : sequence of LandClass
    seed : int

    Attributes
    ----------
    tiles : TilePositions
        The pure tiles.
    """

    averages_weights = False

    def __init__(
        self,
        settings: TileCnnSettings,
        data: TrainingImages,
        classes: Sequence[LandClass],
        seed: int,
    ):
        self.settings, self.data, self.seed = settings, data, seed
        codes = [c.code for c in classes]
        chosen = settings.tile_size, settings.tile_stride, settings.purity
        self.tiles = find_training_tiles(data.labels, codes, *chosen)
        rivers, river_of_image = np.unique(data.rivers, return_inverse=True)
        self.key = class_key(classes, rivers.tolist(), settings.local_classes)
        river_of_tile = river_of_image[self.tiles.images]
        self.outputs = key_outputs(self.key, rivers.tolist())[river_of_tile, self.tiles.codes]
        self.epochs = enough_epochs(
            settings.epochs, len(self.outputs), settings.batch_size, settings.min_steps
        )

    def build(self) -> keras.Model:
        """Make the CNN, with the weights that the settings name, in the global dtype policy."""
        settings = self.settings
        return build_tile_cnn(
            settings.architecture,
            settings.weights,
            settings.trainable_layers,
            settings.tile_size,
            len(self.key) + 1,
        )

    def compile(self, model: keras.Model, n_steps: int) -> None:
        """Set Adam (amsgrad), for so many steps in all, and the weighted cross-entropy."""
        rate = self.settings.learning_rate
        if self.settings.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=n_steps)
        model.compile(
            optimizer=keras.optimizers.Adam(rate, amsgrad=True),
            loss="sparse_categorical_crossentropy",
            weighted_metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
        )

    def sequence(self, selected: np.ndarray | None = None, augment: bool = True) -> PatchSequence:
        """Tiles to learn from or to validate by.

        Parameters
        ----------
        selected : numpy.ndarray, optional
            Indices of the tiles; by default all.
        augment : bool
            False leaves the tiles as they are, whatever the settings.

        Returns
        -------
        PatchSequence
        """
        settings = self.settings
        sampler = TileSampler(
            self.tiles,
            self.outputs,
            settings.batch_size,
            settings.augment and augment,
            settings.balance,
            selected,
        )
        return PatchSequence(self.data.images, sampler, settings.tile_size, self.seed)


def build_tile_cnn(
    architecture: str,
    weights: str | None,
    trainable_layers: str | Sequence[str],
    tile_size: int,
    n_outputs: int,
) -> keras.Model:
    """Make a CNN from RGB tiles to class probabilities, in the global dtype policy.

    Parameters
    ----------
    architecture : str
        `compact`, or the name of a model of keras.applications, which gets the published head
        (Carbonneau et al. 2020) and its own input scaling.
    weights, trainable_layers
        As in `TileCnnSettings`.
    tile_size, n_outputs : int
        Side of a tile in pixels; number of outputs, the unused output 0 included.

    Returns
    -------
    keras.Model
        From float32 (n, tile_size, tile_size, 3) of 0..255 to float32 (n, n_outputs).

    Raises
    ------
    SettingError
        When there is no such architecture, or it takes no such weights, layers or tile size.
    """
    inputs = keras.Input((tile_size, tile_size, 3), name=TILE_INPUT)
    if architecture == "compact":
        if weights is not None:
            raise SettingError("weights", "the compact CNN has none to load; set it to null")
        features = _compact(inputs)
    else:
        features = _published_head(
            apply_pretrained(architecture, weights, trainable_layers, inputs)
        )
    outputs = layers.Dense(n_outputs, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs)


def scale_input(model: keras.Model) -> keras.Model:
    """Put the input scaling of the published code before a tile CNN that others trained.

    Their CNNs take colours of 0..1 (Carbonneau et al. 2020), those of this workflow 0..255.

    Parameters
    ----------
    model : keras.Model
        A tile CNN.

    Returns
    -------
    keras.Model
        One that takes 0..255: the same model if it is of this workflow.
    """
    if model.inputs[0].name == TILE_INPUT:
        return model
    inputs = keras.Input(model.input_shape[1:], name=TILE_INPUT)
    return keras.Model(inputs, model(layers.Rescaling(1 / 255)(inputs)))


def enough_epochs(epochs: int, n_tiles: int, batch_size: int, min_steps: int) -> int:
    """Raise a number of epochs to what `min_steps` training steps take with so few tiles."""
    return max(epochs, ceil(min_steps / ceil(n_tiles / batch_size)))


def _compact(inputs):
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        # The usual 0.99 needs more steps to settle than a small river gives.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        if filters < 128:
            x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dropout(0.3)(x)


def _published_head(x):
    l2 = keras.regularizers.L2(1e-3)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu", kernel_regularizer=l2)(x)
    x = layers.Dropout(0.5)(x)
    return layers.Dense(128, activation="relu", kernel_regularizer=l2)(x)
