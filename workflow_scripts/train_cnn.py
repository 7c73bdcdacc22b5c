"""Train the CNN of a group on its tiles; write the model, its class key and curves."""

import logging
import os
import warnings

import numpy as np

from job import job, whole

os.environ |= {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_NUM_INTRAOP_THREADS": str(snakemake.threads),
    "TF_NUM_INTEROP_THREADS": "1",
}

# An old NumPy name that Keras looks for as it exports.
warnings.filterwarnings("ignore", category=FutureWarning, module="keras")
logging.getLogger("tf2onnx").setLevel(logging.WARNING)
logging.getLogger("absl").setLevel(logging.ERROR)

import keras

from ssc.classes import read_classes
from ssc.cnn import Training, build_cnn, class_key, export_onnx, train_cnn
from ssc.figures import plot_curves


def main(snakemake):
    cnn, classes = dict(snakemake.params.cnn), read_classes(snakemake.params.classes)
    key = class_key(classes, " ".join(snakemake.params.rivers))
    tiles, codes = read_tiles(snakemake.input.tiles)
    output_of = np.zeros(256, np.int32)
    output_of[key["HierarchClass"]] = key["LocalClass"]
    logging.info("%d tiles: %s", len(tiles), count_tiles(codes, classes))

    keras.utils.set_random_seed(snakemake.params.seed)
    model = build_cnn(cnn.pop("architecture"), cnn.pop("weights"), tiles.shape[1], len(key) + 1)
    history = train_cnn(model, tiles, output_of[codes], Training(**cnn, seed=snakemake.params.seed))

    output = snakemake.output
    with whole(output.key) as path:
        key.to_csv(path, index=False)
    with whole(output.history) as path:
        history.to_csv(path, index=False)
    with whole(output.curves) as path:
        plot_curves(path, f"CNN {snakemake.wildcards.group}", history)
    with whole(output.onnx) as path:
        export_onnx(model, path)
    with whole(output.model) as path:
        model.save(path, include_optimizer=False)


def read_tiles(paths):
    """All tiles in one array that is allocated once, and their class codes."""
    codes = np.concatenate([np.load(path)["codes"] for path in paths])
    tiles, at = None, 0
    for path in paths:
        part = np.load(path)["tiles"]
        if tiles is None:
            tiles = np.empty((len(codes), *part.shape[1:]), np.uint8)
        tiles[at : at + len(part)] = part
        at += len(part)
    return tiles, codes


def count_tiles(codes, classes):
    return ", ".join(f"{(codes == c.code).sum()} {c.name}" for c in classes)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
