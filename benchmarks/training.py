"""How fast CNNs learn, on the GPU where Keras sees one, in 16 and in 32 bits.

Tiles of 50 px a second; of the dense network windows, each as many pixels as 26 tiles. Of a GPU
also the peak memory and the mean utilisation that nvidia-smi reports meanwhile.
"""

import argparse
import subprocess
import sys
import time
from contextlib import contextmanager
from tempfile import TemporaryFile

from workflow import ROOT

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from keras_job import dense_policy, set_up_keras

set_up_keras(threads=0)

import keras
import numpy as np
import yaml

from ssc.cnn import Training, build_cnn, train_cnn
from ssc.dense_net import STEPS_PER_EPOCH, build_dense_net, train_dense_net


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
            with gpu_use(bool(gpus)) as use:
                if network == "dense":
                    rate, unit = windows_per_second(half), "windows/s"
                else:
                    rate, unit = tiles_per_second(network, half, args), "tiles/s"
                print(
                    f"{network:15} {16 if half else 32} bits {rate:8.0f} {unit} {use()}", flush=True
                )


def tiles_per_second(architecture: str, half: bool, args) -> float:
    tiles = np.random.default_rng(1).integers(0, 256, (args.tiles, 50, 50, 3), np.uint8)
    outputs = np.arange(args.tiles) % 5 + 1

    def train(epochs):
        model = build_cnn(architecture, None, "all", tiles.shape[1], 6, half)
        training = Training(epochs, args.batch_size, 0.001, "constant", True, True, seed=1)
        train_cnn(model, tiles, outputs, training)

    return 2 * args.tiles / two_epochs(train)


def windows_per_second(half: bool) -> float:
    schema = yaml.safe_load((ROOT / "config/config.schema.yaml").read_text())["properties"]
    settings = {key: s["default"] for key, s in schema["dense"]["properties"].items()}
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, 1000, 1000, 3), np.uint8)
    outputs = rng.integers(1, 6, (4, 1000, 1000), np.uint8)

    def train(epochs):
        model = build_dense_net(settings["channels"], 6, dense_policy(half))
        steps = epochs * STEPS_PER_EPOCH
        train_dense_net(model, images, outputs, settings | {"steps": steps}, seed=1)

    return 2 * STEPS_PER_EPOCH * settings["batch_size"] / two_epochs(train)


def two_epochs(train) -> float:
    """Seconds that two more epochs cost, which leaves out building and compiling the CNN."""
    seconds = []
    for epochs in (1, 3):
        keras.utils.set_random_seed(1)
        start = time.monotonic()
        train(epochs)
        seconds.append(time.monotonic() - start)
    return seconds[1] - seconds[0]


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
