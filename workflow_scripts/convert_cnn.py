"""Make a CNN that is trained already, and its class key, ready to map images."""

from job import run_job
from keras_setup import set_up_keras
from results import atomic_path


def main(snakemake):
    set_up_keras(snakemake.threads)
    from ssc.classes import read_classes
    from ssc.cnn.class_key import read_class_key
    from ssc.cnn.colour_matching import COLOUR_STATS
    from ssc.cnn.export import read_metadata, save_onnx
    from ssc.cnn.model_loading import check_scores, is_unet, load_model
    from ssc.cnn.tile_cnn import scale_input
    from ssc.cnn.unet import low_resolution_model

    classes = read_classes(snakemake.params.classes)
    model = load_model(snakemake.input.model)
    key = read_class_key(snakemake.input.key, classes, model.output_shape[-1])
    model = low_resolution_model(model) if is_unet(model) else scale_input(model)
    check_scores(model, snakemake.input.model)
    stats = read_metadata(snakemake.input.model, COLOUR_STATS)
    with atomic_path(snakemake.output.key) as path:
        key.to_csv(path, index=False)
    with atomic_path(snakemake.output.onnx) as path:
        save_onnx(model, path, {COLOUR_STATS: stats} if stats else {})


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
