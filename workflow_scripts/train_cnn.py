"""Train the CNN of a group on its tiles; write the model, its class key and curves."""

import logging

import pandas as pd

from job import job, whole
from keras_job import check_gpu, set_up_keras

set_up_keras(snakemake.threads)

import keras

from learning import Learning
from ssc.cnn import Training, enough_epochs, export_onnx, train_cnn
from ssc.curves import plot_curves
from ssc.tuning import diverging_epoch


def main(snakemake):
    check_gpu(snakemake.config["allow_cpu"])
    learning, output = Learning(snakemake), snakemake.output
    epochs = learning.cnn["epochs"]
    if epochs == "auto":
        epochs, _ = diverging_epoch(pd.read_csv(snakemake.input.tuning))
        logging.info("%d epochs, as tuned", epochs)
    cnn, n_tiles = learning.cnn, len(learning.outputs)
    epochs = enough_epochs(epochs, n_tiles, cnn["batch_size"], cnn["min_steps"])
    training = Training.of(cnn, learning.seed, epochs=epochs)
    model = learning.build(learning.half)
    history = train_cnn(model, learning.data.tiles, learning.outputs, training)
    # Built anew to compute in 32 bits everywhere, without the memory that training takes.
    weights = model.get_weights()
    del model
    keras.utils.clear_session(free_memory=True)
    model = learning.build(half=False)
    model.set_weights(weights)

    with whole(output.key) as path:
        learning.key.to_csv(path, index=False)
    with whole(output.history) as path:
        history.to_csv(path, index=False)
    with whole(output.curves) as path:
        plot_curves(path, f"CNN {snakemake.wildcards.group}", history)
    with whole(output.onnx) as path:
        export_onnx(model, path)
    with whole(output.model) as path:
        model.save(path, include_optimizer=False)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
