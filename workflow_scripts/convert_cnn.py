"""Make a CNN that others trained, and its class key, ready to classify tiles."""

from job import job, whole
from keras_job import set_up_keras

set_up_keras(snakemake.threads)

from ssc.class_key import read_class_key
from ssc.classes import read_classes
from ssc.cnn import export_onnx, take_colours
from ssc.keras2 import load_model


def main(snakemake):
    classes = read_classes(snakemake.params.classes)
    model = load_model(snakemake.input.model)
    key = read_class_key(snakemake.input.key, classes, model.output_shape[1])
    with whole(snakemake.output.key) as path:
        key.to_csv(path, index=False)
    with whole(snakemake.output.onnx) as path:
        export_onnx(take_colours(model), path)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        main(snakemake)
