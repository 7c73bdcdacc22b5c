"""Train the CNN of a group; write it for its users, with its class key and history."""

import logging
from functools import partial

from job import run_job
from keras_setup import check_gpu, choose_dtype_policy, claim_gpu, make_trainer, set_up_keras
from results import atomic_path


def main(snakemake):
    # Keras is set up before it is imported, and a failed import is logged as other faults are.
    claim = claim_gpu()
    set_up_keras(snakemake.threads)
    from ssc.cnn.colour_matching import COLOUR_STATS, colour_histogram, training_colour_stats
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
    trainer = make_trainer(snakemake, **tuned)
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
    weights = model.get_weights()
    del model
    model = rebuild_in_float32(trainer, weights)

    histograms, geometries = [], []
    for path in snakemake.params.images:
        with open_image(path, snakemake.params.white) as image:
            histograms.append(colour_histogram(image))
            geometries.append(image.geometry)
    metadata = {COLOUR_STATS: training_colour_stats(histograms)}
    with atomic_path(output.key) as path:
        trainer.key.to_csv(path, index=False)
    with atomic_path(output.history) as path:
        history.to_csv(path, index=False)
    is_unet = cnn["architecture"] == "unet"
    with atomic_path(output.onnx) as path:
        save_onnx(low_resolution_model(model) if is_unet else model, path, metadata)
    if is_unet:
        resolution = ground_resolution(geometries)
        with atomic_path(output.qgis) as path:
            save_onnx_for_qgis(model, trainer.key, resolution, path)
    with atomic_path(output.model) as path:
        save_keras(model, path, metadata)
    del claim


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
