"""Train the CNN of a group; write it for its users, with its class key and history."""

import logging
from functools import partial

import pandas as pd

from job import run_job
from keras_setup import check_gpu, choose_dtype_policy, claim_gpu, make_trainer, set_up_keras
from results import atomic_path


def main(snakemake):
    # Keras is set up before it is imported, and a failed import is logged as other faults are.
    claim = claim_gpu()
    set_up_keras(snakemake.threads)
    from ssc.cnn.colour_matching import COLOUR_STATS
    from ssc.cnn.export import ground_resolution, save_keras, save_onnx, save_onnx_for_qgis
    from ssc.cnn.training import rebuild_in_float32, train
    from ssc.cnn.tuning import plateau_epoch
    from ssc.cnn.unet import low_resolution_model
    from ssc.io.rasters import open_image
    from ssc.io.tables import read_table

    check_gpu(snakemake.config["allow_cpu_fallback"])
    cnn, output = snakemake.params.cnn, snakemake.output
    tuned = {}
    if cnn.get("epochs") == "auto":
        epochs, _ = plateau_epoch(read_table(snakemake.input.tuning))
        logging.info("%d epochs, as tuned", epochs)
        tuned = {"epochs": epochs, "min_steps": 0}
    trainer, colour_stats = make_trainer(snakemake, **tuned)
    policy = choose_dtype_policy(cnn["mixed_precision"], cnn.get("encoder"))
    logging.info("computing in %s", policy)
    start = None
    if snakemake.input.start:
        from ssc.classes import read_classes
        from ssc.cnn.class_key import read_class_key
        from ssc.cnn.model_loading import load_model
        from ssc.cnn.transfer import copy_weights

        path, key_path = snakemake.input.start
        trained = load_model(path)
        classes = read_classes(snakemake.params.classes)
        key = read_class_key(key_path, classes, trained.output_shape[-1])
        logging.info("starting from %s", path)
        start = partial(copy_weights, trained, key, target_key=trainer.key)

    model, history = train(trainer, policy, trainer.sequence(), start=start)
    if cnn.get("self_training_steps"):
        further = self_train(snakemake, trainer, model, colour_stats)
        history = pd.concat([history, further], ignore_index=True)
        history["epoch"] = history.index + 1
    weights = model.get_weights()
    del model
    model = rebuild_in_float32(trainer, weights)

    metadata = {COLOUR_STATS: colour_stats}
    with atomic_path(output.key) as path:
        trainer.key.to_csv(path, index=False)
    with atomic_path(output.history) as path:
        history.to_csv(path, index=False)
    is_unet = cnn["architecture"] == "unet"
    with atomic_path(output.onnx) as path:
        save_onnx(low_resolution_model(model) if is_unet else model, path, metadata)
    if is_unet:
        geometries = []
        for path in snakemake.params.images:
            with open_image(path, snakemake.params.white) as image:
                geometries.append(image.geometry)
        resolution = ground_resolution(geometries)
        with atomic_path(output.qgis) as path:
            save_onnx_for_qgis(model, trainer.key, resolution, path)
    with atomic_path(output.model) as path:
        save_keras(model, path, metadata)
    del claim


def self_train(snakemake, trainer, model, colour_stats):
    """Train a U-Net further with pseudo-labels; the history of that, None where there are none."""
    from ssc.cnn.self_training import SelfTrainer, pseudo_label
    from ssc.cnn.training import fit

    params, settings = snakemake.params, trainer.settings
    if not params.unlabelled:
        logging.warning(
            "WARNING: no self-training: the CNN maps no images of its rivers but those that it "
            "learned from; add images, or set self_training_steps to 0"
        )
        return None
    # As many as steps: there are then more places than patches.
    drawn = settings.self_training_steps, 2 * settings.patch_size, trainer.seed
    found = pseudo_label(model, trainer.key, params.unlabelled, params.white, colour_stats, *drawn)
    if not found.images:
        logging.warning(
            "WARNING: no self-training: in all images to map the CNN is in doubt, or they are much "
            "darker or brighter than the training images; label one of them"
        )
        return None
    logging.info("self-training on %d windows of images without labels", len(found.images))
    further = SelfTrainer(trainer, found)
    return fit(further, model, further.sequence())


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
