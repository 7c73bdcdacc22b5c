"""Train the dense CNN of a group on its labelled pixels; write the model, its class key, curves."""

import json
import logging

from job import job, whole
from keras_job import check_gpu, dense_policy, set_up_keras

set_up_keras(snakemake.threads)

import h5py
import keras
import numpy as np

from ssc.class_key import class_key
from ssc.classes import read_classes
from ssc.cnn import export_onnx
from ssc.colour_match import LEARNED_COLOURS, learned_colours
from ssc.curves import plot_curves
from ssc.dense_net import build_dense_net, coarse_network, train_dense_net
from ssc.raster import read_class_raster, read_image


def main(snakemake):
    check_gpu(snakemake.config["allow_cpu"])
    params, output = snakemake.params, snakemake.output
    images = [read_image(path)[0] for path in snakemake.input.images]
    outputs, key = read_outputs(snakemake.input.labels, read_classes(params.classes), params.rivers)

    policy = dense_policy(params.dense["mixed_precision"])
    logging.info("%d images, computing in %s", len(images), policy)
    keras.utils.set_random_seed(params.seed)
    model = build_dense_net(params.dense["channels"], len(key) + 1, policy)
    history = train_dense_net(model, images, outputs, params.dense, params.seed)
    trained = build_dense_net(params.dense["channels"], len(key) + 1, "float32")
    trained.set_weights(model.get_weights())

    with whole(output.key) as path:
        key.to_csv(path, index=False)
    with whole(output.history) as path:
        history.to_csv(path, index=False)
    with whole(output.curves) as path:
        plot_curves(path, f"CNN {snakemake.wildcards.group}", history)
    learned = learned_colours(images)
    with whole(output.onnx) as path:
        export_onnx(coarse_network(trained), path, {LEARNED_COLOURS: learned})
    with whole(output.model) as path:
        trained.save(path, include_optimizer=False)
        with h5py.File(path, "a") as file:
            file.attrs[LEARNED_COLOURS] = json.dumps(learned)


def read_outputs(paths, classes, rivers):
    """The right output for each pixel of the label rasters, and the class key."""
    labels = [read_class_raster(path) for path in paths]
    labelled = set().union(*(np.flatnonzero(np.bincount(codes.ravel())) for codes in labels))
    # An output that nothing teaches would only cost time.
    key = class_key([c for c in classes if c.code in labelled], rivers, local=False)
    output_of = np.zeros(256, np.uint8)
    output_of[key["HierarchClass"]] = key["LocalClass"]
    return [output_of[codes] for codes in labels], key


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
