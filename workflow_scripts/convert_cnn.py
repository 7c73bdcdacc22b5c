"""Make a CNN that is trained already, and its class key, ready to map images."""

import json

from job import job, whole
from keras_job import set_up_keras

set_up_keras(snakemake.threads)

import h5py

from ssc.class_key import read_class_key
from ssc.classes import read_classes
from ssc.cnn import export_onnx, take_colours
from ssc.colour_match import LEARNED_COLOURS
from ssc.dense_net import coarse_network
from ssc.errors import InputError
from ssc.keras2 import load_model


def main(snakemake):
    classes = read_classes(snakemake.params.classes)
    model = load_model(snakemake.input.model)
    found = "dense" if len(model.output_shape) == 4 else "published"
    if found != snakemake.params.method:
        raise InputError(
            f"{snakemake.input.model}: a CNN of the {found} method, but method is "
            f"{snakemake.params.method}; set method to {found}"
        )
    key = read_class_key(snakemake.input.key, classes, model.output_shape[-1])
    model = coarse_network(model) if found == "dense" else take_colours(model)
    notes = read_notes(snakemake.input.model)
    with whole(snakemake.output.key) as path:
        key.to_csv(path, index=False)
    with whole(snakemake.output.onnx) as path:
        export_onnx(model, path, notes)


def read_notes(path):
    """What a dense CNN of this workflow tells of the images that it learned from."""
    if not h5py.is_hdf5(path):
        return {}
    with h5py.File(path) as file:
        told = file.attrs.get(LEARNED_COLOURS)
        return {LEARNED_COLOURS: json.loads(told)} if told else {}


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
