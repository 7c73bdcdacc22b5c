"""How fast CNNs learn, on the GPU where Keras sees one, in 16 and in 32 bits.

Tiles of 50 px, or patches of the U-Net, a second; and as many as the input pipeline makes when
nothing learns from them: it works ahead of the CNN, and is no bottleneck while it makes more. Of
a GPU also the peak memory and the mean utilisation that nvidia-smi reports meanwhile.
"""

import argparse
import subprocess
import time
from contextlib import contextmanager
from tempfile import TemporaryFile

from workflow import complete_config

from keras_setup import choose_dtype_policy, set_up_keras

set_up_keras(threads=0)

import keras
import numpy as np

from settings import read_settings
from ssc.classes import read_classes
from ssc.cnn.patches import PatchSequence
from ssc.cnn.tile_cnn import TileCnnSettings, TileCnnTrainer
from ssc.cnn.training import Trainer, TrainingImages, train
from ssc.cnn.unet import STEPS_PER_EPOCH, UNetSettings, UNetTrainer

# Tiles in a row of the image that they are cut from.
TILE_COLUMNS = 40


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = ["compact", "NASNetMobile", "unet/plain", "unet/efficientnet_lite0"]
    help = "tile CNNs, and U-Nets as unet/ENCODER"
    parser.add_argument("architectures", nargs="*", default=default, help=help)
    parser.add_argument("--tiles", type=int, default=3200)
    parser.add_argument("--batch-size", type=int, default=100, help="of tiles")
    args = parser.parse_args()
    gpus = keras.distribution.list_devices("gpu")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {gpus or 'CPU'}")
    trainer: UNetTrainer | TileCnnTrainer
    for architecture in args.architectures:
        encoder = architecture.partition("/")[2] or None
        if encoder:
            unit, trainer = "patches/s", unet_trainer(encoder)
        else:
            unit, trainer = "tiles/s", tile_trainer(architecture, args.tiles, args.batch_size)
        sequence = trainer.sequence()
        start = time.perf_counter()
        examples = count_examples(sequence)
        fed = examples / (time.perf_counter() - start)
        policies = [choose_dtype_policy(half, encoder) for half in (False, True)]
        for policy in dict.fromkeys(policies):
            with gpu_use(bool(gpus)) as use:
                short, long = (training_time(trainer, sequence, policy, n) for n in (1, 3))
                # The difference leaves out building and compiling the CNN.
                learned = 2 * examples / (long - short)
                print(
                    f"{architecture:23} {policy:14} {learned:8.0f} {unit}, "
                    f"fed alone {fed:8.0f} {unit} {use()}",
                    flush=True,
                )


def tile_trainer(architecture: str, n_tiles: int, batch_size: int) -> TileCnnTrainer:
    """Trainer of a tile CNN on so many tiles of random colours, with default settings."""
    config = complete_config(cnn={"architecture": architecture})
    tiles = config["tiles"]
    size = tiles["size"]
    codes = np.zeros((-(-n_tiles // TILE_COLUMNS), TILE_COLUMNS), np.uint8)
    codes.flat[:n_tiles] = np.arange(n_tiles) % 5 + 1
    labels = codes.repeat(size, axis=0).repeat(size, axis=1)
    pixels = np.random.default_rng(1).integers(0, 256, (*labels.shape, 3), np.uint8)
    settings = read_settings(
        TileCnnSettings,
        config["cnn"],
        tiles,
        tile_size=size,
        tile_stride=size,
        batch_size=batch_size,
    )
    data = TrainingImages([pixels], [labels], ["River"])
    return TileCnnTrainer(settings, data, read_classes(config["classes"]), seed=1)


def unet_trainer(encoder: str) -> UNetTrainer:
    """Trainer of a U-Net on images of random colours, with default settings."""
    config = complete_config(cnn={"encoder": encoder})
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, 1000, 1000, 3), np.uint8)
    labels = rng.integers(1, 6, (4, 1000, 1000), np.uint8)
    settings = read_settings(UNetSettings, config["cnn"], steps=STEPS_PER_EPOCH)
    data = TrainingImages(list(images), list(labels), ["River"] * len(images))
    return UNetTrainer(settings, data, read_classes(config["classes"]), seed=1)


def training_time(trainer: Trainer, sequence: PatchSequence, policy: str, epochs: int) -> float:
    """Seconds that so many epochs take, with building and compiling."""
    trainer.epochs = epochs
    start = time.perf_counter()
    train(trainer, policy, sequence)
    return time.perf_counter() - start


def count_examples(sequence: PatchSequence) -> int:
    """Make the patches of an epoch, learn nothing from them, and count them."""
    return sum(len(sequence[batch][0]) for batch in range(len(sequence)))


@contextmanager
def gpu_use(gpu: bool):
    """A function that says how much of the GPU was used within the context."""
    if not gpu:
        yield lambda: ""
        return
    query = [
        "nvidia-smi",
        "--query-gpu=utilization.gpu,memory.used",
        "--format=csv,noheader,nounits",
        "--loop-ms=200",
    ]
    with TemporaryFile("w+") as samples:
        sampler = subprocess.Popen(query, stdout=samples)

        def describe():
            samples.seek(0)
            use = np.loadtxt(samples, delimiter=",", ndmin=2)
            return f"{use[:, 0].mean():.0f} % of the GPU, {use[:, 1].max():.0f} MiB"

        try:
            yield describe
        finally:
            sampler.terminate()
            sampler.wait()


if __name__ == "__main__":
    main()
