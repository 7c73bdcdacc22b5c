"""Small images with labels, and trainers of small CNNs, for the tests of training."""

from dataclasses import replace

import numpy as np

from ssc.classes import LandClass
from ssc.cnn.tile_cnn import TileCnnSettings, TileCnnTrainer
from ssc.cnn.training import TrainingImages
from ssc.cnn.unet import UNetSettings, UNetTrainer

BLUE, YELLOW = (40, 90, 160), (200, 170, 120)
CLASSES = [LandClass(1, "Water"), LandClass(2, "Sediment")]

TILE_CNN = TileCnnSettings(
    architecture="compact",
    weights=None,
    trainable_layers="all",
    local_classes=False,
    tile_size=8,
    tile_stride=8,
    purity=0.9,
    epochs=1,
    min_steps=0,
    batch_size=8,
    learning_rate=0.01,
    schedule="cosine",
    augment=True,
    balance=True,
)
UNET = UNetSettings(
    encoder="plain",
    channels=[8, 16],
    steps=100,
    patch_size=64,
    batch_size=4,
    learning_rate=0.01,
    brightness_jitter=0.1,
    cutmix=0,
)


def tile_trainer(codes, seed=42, **changes):
    """Trainer on a row of tiles of 8 x 8 px: blue and yellow in turn."""
    colours = np.array([BLUE, YELLOW], np.uint8)[np.arange(len(codes)) % 2]
    image = np.repeat(np.repeat(colours[None], 8, axis=0), 8, axis=1)
    labels = np.repeat(np.repeat(np.uint8(codes)[None], 8, axis=0), 8, axis=1)
    data = TrainingImages([image], [labels], ["Ure"])
    return TileCnnTrainer(replace(TILE_CNN, **changes), data, CLASSES, seed)


def alternating(n):
    """Class codes 1 and 2 in turn, which are the colours of the tiles of `tile_trainer`."""
    return np.arange(n) % 2 + 1


def two_colours(shape=(96, 96)):
    """Blocks of two colours; their classes, of every eighth pixel; and those of all pixels."""
    rows, columns = np.indices(shape)
    truth = ((rows // 32 + columns // 32) % 2 + 1).astype(np.uint8)
    image = np.array([BLUE, YELLOW], np.uint8)[truth - 1]
    labels = np.where(np.random.default_rng(1).random(shape) < 1 / 8, truth, 0).astype(np.uint8)
    return image, labels, truth


def unet_trainer(image, labels, seed=42, **changes):
    data = TrainingImages([image], [labels], ["Ure"])
    return UNetTrainer(replace(UNET, **changes), data, CLASSES, seed)
