"""How fast CNNs learn, on the GPU where Keras sees one, in 16 and in 32 bits.

Tiles of 50 px a second; of the dense network windows, each as many pixels as 26 tiles; and as many
as the input pipeline makes when nothing learns from them: it works ahead of the CNN, and is no
bottleneck while it makes more. Of a GPU also the peak memory and the mean utilisation that
nvidia-smi reports meanwhile.
"""

import argparse
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryFile

from workflow import ROOT

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from keras_job import dense_policy, set_up_keras

set_up_keras(threads=0)

import keras
import numpy as np
import yaml

from ssc.cnn import Batches, Training, build_cnn, train_cnn
from ssc.dense_net import STEPS_PER_EPOCH, Windows, build_dense_net, train_dense_net


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=["compact", "NASNetMobile", "dense"])
    parser.add_argument("--tiles", type=int, default=3200)
    parser.add_argument("--batch-size", type=int, default=100, help="of tiles")
    args = parser.parse_args()
    gpus = keras.distribution.list_devices("gpu")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {gpus or 'CPU'}")
    for network in args.networks:
        halves = (False, True) if gpus or network == "dense" else (False,)
        for half in halves:
            if network == "dense":
                unit, (data, train) = "windows/s", dense_training(half)
            else:
                unit, (data, train) = "tiles/s", tile_training(network, half, args)
            examples = len(data) * len(data[0][0])
            fed = examples / seconds_of(feed, data)
            with gpu_use(bool(gpus)) as use:
                # The difference leaves out building and compiling the CNN.
                learned = 2 * examples / (seconds_of(train, 3) - seconds_of(train, 1))
                print(
                    f"{network:15} {16 if half else 32} bits {learned:8.0f} {unit}, "
                    f"fed alone {fed:8.0f} {unit} {use()}",
                    flush=True,
                )


def tile_training(architecture: str, half: bool, args):
    """The batches of an epoch, and a function that trains for so many epochs."""
    tiles = np.random.default_rng(1).integers(0, 256, (args.tiles, 50, 50, 3), np.uint8)
    outputs = np.arange(args.tiles) % 5 + 1

    def train(epochs):
        model = build_cnn(architecture, None, "all", tiles.shape[1], 6, half)
        train_cnn(model, tiles, outputs, replace(training, epochs=epochs))

    training = Training(1, args.batch_size, 0.001, "constant", True, True, seed=1)
    return Batches(tiles, outputs, training), train


def dense_training(half: bool):
    """The batches of an epoch, and a function that trains for so many epochs."""
    schema = yaml.safe_load((ROOT / "config/config.schema.yaml").read_text())["properties"]
    settings = {key: s["default"] for key, s in schema["dense"]["properties"].items()}
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, 1000, 1000, 3), np.uint8)
    outputs = rng.integers(1, 6, (4, 1000, 1000), np.uint8)

    def train(epochs):
        model = build_dense_net(settings["channels"], 6, dense_policy(half))
        steps = epochs * STEPS_PER_EPOCH
        train_dense_net(model, images, outputs, settings | {"steps": steps}, seed=1)

    return Windows(images, outputs, settings, 1, STEPS_PER_EPOCH), train


def feed(data: keras.utils.PyDataset) -> None:
    """Make the batches of an epoch, and learn nothing from them."""
    for batch in range(len(data)):
        data[batch]


def seconds_of(work, argument) -> float:
    keras.utils.set_random_seed(1)
    start = time.monotonic()
    work(argument)
    return time.monotonic() - start


@contextmanager
def gpu_use(gpu: bool):
    """A function that tells of the GPU what was used of it within the context."""
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

        def told():
            samples.seek(0)
            use = np.loadtxt(samples, delimiter=",", ndmin=2)
            return f"{use[:, 0].mean():.0f} % of the GPU, {use[:, 1].max():.0f} MiB"

        try:
            yield told
        finally:
            sampler.terminate()
            sampler.wait()


if __name__ == "__main__":
    main()
