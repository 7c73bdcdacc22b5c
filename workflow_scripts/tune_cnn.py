"""Train the tile CNN of a group on some images and validate it by others, epoch by epoch."""

import logging

from job import run_job
from keras_setup import check_gpu, choose_dtype_policy, claim_gpu, make_trainer, set_up_keras
from results import atomic_path


def main(snakemake):
    claim = claim_gpu()
    set_up_keras(snakemake.threads)
    from ssc.cnn.training import train
    from ssc.cnn.tuning import plateau_epoch, split_by_image, subsample_tiles

    check_gpu(snakemake.config["allow_cpu_fallback"])
    cnn, tuning = snakemake.params.cnn, snakemake.params.tuning
    trainer, _ = make_trainer(
        snakemake,
        epochs=tuning["epochs"],
        min_steps=0,
        batch_size=tuning["batch_size"],
        # At a constant rate an epoch means the same however many there are.
        schedule="constant",
    )
    tiles = trainer.tiles
    drawn = subsample_tiles(len(tiles.codes), tuning["subsample"], trainer.seed)
    train_idx, validation_idx = split_by_image(
        tiles.codes[drawn], tiles.images[drawn], tuning["validation"], trainer.seed
    )
    logging.info("%d training tiles, %d validation tiles", len(train_idx), len(validation_idx))
    policy = choose_dtype_policy(cnn["mixed_precision"], cnn.get("encoder"))
    training = trainer.sequence(drawn[train_idx])
    validation = trainer.sequence(drawn[validation_idx], augment=False)
    _, history = train(trainer, policy, training, validation)
    epoch, reached = plateau_epoch(history)
    text = f"no lower after epoch {epoch}" if reached else f"still falling at epoch {epoch}"
    logging.info("validation loss: %s", text)
    with atomic_path(snakemake.output.history) as path:
        history.to_csv(path, index=False)
    del claim


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
