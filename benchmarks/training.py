"""Tiles per second that CNNs learn, on the GPU where Keras sees one, in 16 and in 32 bits."""

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow_scripts"))

import keras
import numpy as np

from ssc.cnn import Training, build_cnn, train_cnn


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("architectures", nargs="*", default=["compact", "NASNetMobile"])
    parser.add_argument("--tiles", type=int, default=3200)
    parser.add_argument("--batch-size", type=int, default=100)
    args = parser.parse_args()

    gpus = keras.distribution.list_devices("gpu")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, {gpus or 'CPU'}")
    tiles = np.random.default_rng(1).integers(0, 256, (args.tiles, 50, 50, 3), np.uint8)
    outputs = np.arange(args.tiles) % 5 + 1
    for architecture in args.architectures:
        for half in (False, True) if gpus else (False,):
            rate = tiles_per_second(architecture, half, tiles, outputs, args.batch_size)
            print(f"{architecture:15} {16 if half else 32} bits {rate:8.0f} tiles/s", flush=True)


def tiles_per_second(architecture, half, tiles, outputs, batch_size):
    """What two more epochs cost, which leaves out building and compiling the CNN."""
    seconds = []
    for epochs in (1, 3):
        keras.utils.set_random_seed(1)
        model = build_cnn(architecture, None, "all", tiles.shape[1], 6, half)
        training = Training(epochs, batch_size, 0.001, "constant", True, True, seed=1)
        start = time.monotonic()
        train_cnn(model, tiles, outputs, training)
        seconds.append(time.monotonic() - start)
    return 2 * len(tiles) / (seconds[1] - seconds[0])


if __name__ == "__main__":
    main()
