"""Tell for how many epochs to train the CNN of a group, by images that it does not learn from."""

import logging

from job import job, whole
from keras_job import check_gpu, set_up_keras

set_up_keras(snakemake.threads)

from learning import Learning
from ssc.cnn import Training, train_cnn
from ssc.curves import plot_curves
from ssc.tuning import diverging_epoch, draw_tiles, split_by_image


def main(snakemake):
    check_gpu(snakemake.config["allow_cpu"])
    learning, output = Learning(snakemake), snakemake.output
    data, tuning = learning.data, learning.cnn["tuning"]
    drawn = draw_tiles(len(data.codes), tuning["subsample"], learning.seed)
    learn, validate = split_by_image(
        data.codes[drawn], data.images[drawn], tuning["validation"], learning.seed
    )
    logging.info("%d tiles to learn from, %d to validate by", len(learn), len(validate))
    # At a constant rate an epoch means the same however many there are.
    training = Training.of(
        learning.cnn,
        learning.seed,
        epochs=tuning["epochs"],
        batch_size=tuning["batch_size"],
        schedule="constant",
    )
    model = learning.build(learning.half)
    history = train_cnn(
        model, data.tiles, learning.outputs, training, drawn[learn], drawn[validate]
    )
    epoch, diverged = diverging_epoch(history)
    said = f"diverge after epoch {epoch}" if diverged else f"no divergence in {epoch} epochs"
    logging.info("Training and validation loss: %s", said)
    with whole(output.history) as path:
        history.to_csv(path, index=False)
    with whole(output.curves) as path:
        title = f"Tuning of CNN {snakemake.wildcards.group}: training and validation {said}"
        plot_curves(path, title, history, mark=(epoch, f"epoch {epoch}"))


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake)
