"""Our steps against the published ones, on one image: seconds, memory, F1; a table for the docs.

Tiles: the CNN classifies an image's tiles, ours by ONNX Runtime, the published way by Keras. Phase
2: ours is the published method with the defaults of config/config.schema.yaml; the published one
(Carbonneau et al. 2020, Remote Sensing of Environment 251, 112107) fits a deep MLP to all pixels.
Both take the pseudo-labels from our tile map. Default: our U-Net and phase 2 make the map. Seconds
count from image and CNN in memory to the map in memory, without imports.
"""

import argparse
import os
import pickle
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from math import isnan, nan
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from workflow import PUBLISHED, complete_config

if TYPE_CHECKING:
    import keras
    import numpy as np

    from ssc.cnn.classifier import CnnClassifier

EPOCHS, BATCH = 35, 250_000
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"


class Seconds(NamedTuple):
    """How long something took: elapsed, and summed over the cores."""

    wall: float
    cpu: float


class Result(NamedTuple):
    """One step: compute, peak memory in MiB, weighted and macro F1 from 0 to 1 (NaN: none)."""

    seconds: Seconds
    memory: float
    f1: tuple[float, float]


def main():
    args = parse_arguments()
    default, published = complete_config(), complete_config(**PUBLISHED)
    seed, stride = default["seed"], default["tiles"]["predict_stride"]
    epochs = EPOCHS if args.full else args.epochs_timed
    image, labels = args.image, args.labels
    with TemporaryDirectory() as folder:
        tiles = Path(folder) / "tiles.pickle"
        phase2 = (image, labels, tiles, published["refine"], seed)
        unet = (image, labels, args.unet, default["refine"], seed)
        rows = [
            ("tiles", in_child(measure_tiles, image, labels, args.tile_cnn, stride, tiles)),
            ("", in_child(measure_keras, image, labels, args.tile_cnn)),
            ("phase 2", in_child(measure_phase2, *phase2)),
            ("", in_child(measure_published, image, labels, tiles, epochs, seed)),
            ("default", in_child(measure_default, *unet)),
        ]
    table = report(rows, Path(image).name, epochs)
    print(table)
    if args.doc:
        head, _, rest = args.doc.read_text().partition(BEGIN)
        args.doc.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--image", required=True, help="8-bit RGB image")
    parser.add_argument("--labels", required=True, help="class raster to score against")
    parser.add_argument("--tile-cnn", required=True, help="model/<group> of a tile CNN")
    parser.add_argument("--unet", required=True, help="model/<group> of a U-Net")
    parser.add_argument("--doc", type=Path, help="file whose table is replaced by this one")
    parser.add_argument("--full", action="store_true", help="published: all epochs, and its F1")
    parser.add_argument("--epochs-timed", type=int, default=3, help="without --full (default 3)")
    return parser.parse_args()


def in_child(function: Callable[..., Result], *arguments: Any) -> Result:
    """The function's result in a fresh process, so that neither side adds to the other's memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure_tiles(image: str, labels: str, cnn: str, stride: int, target: Path) -> Result:
    """Our tile map of an image, which is also saved for phase 2."""
    from ssc.io.rasters import read_image

    pixels, classifier = read_image(image)[0], open_cnn(cnn, stride)
    start = now()
    of_cnn = classify(classifier, pixels)
    result = Result(since(start), peak_memory(), f1_scores(labels, of_cnn[0]))
    target.write_bytes(pickle.dumps(of_cnn))
    return result


def measure_keras(image: str, labels: str, cnn: str) -> Result:
    """The tile map by Keras, without the strips at the right and bottom edge, as published."""
    import keras
    import numpy as np

    from ssc.io.rasters import read_image
    from ssc.io.tables import read_table

    pixels, key = read_image(image)[0], read_table(f"{cnn}.csv").sort_values("LocalClass")
    model = keras.models.load_model(f"{cnn}.h5", compile=False)
    size = model.input_shape[1]
    start = now()
    rows, columns = (side // size for side in pixels.shape[:2])
    grid = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    tiles = grid.swapaxes(1, 2).reshape(-1, size, size, 3).astype(np.float32)
    code_of = np.array([0, *key["HierarchClass"]], np.uint8)
    codes = code_of[model.predict(tiles, verbose=0).argmax(axis=1)].reshape(rows, columns)
    class_map = np.zeros(pixels.shape[:2], np.uint8)
    class_map[: rows * size, : columns * size] = codes.repeat(size, axis=0).repeat(size, axis=1)
    return Result(since(start), peak_memory(), f1_scores(labels, class_map))


def measure_phase2(image: str, labels: str, tiles: Path, refine: dict, seed: int) -> Result:
    """Our phase 2 of the published method."""
    from ssc.io.rasters import read_image

    pixels, of_cnn = read_image(image)[0], pickle.loads(tiles.read_bytes())
    refine_image = make_phase2(refine, seed)
    start = now()
    class_map = refine_image(pixels, of_cnn)
    return Result(since(start), peak_memory(), f1_scores(labels, class_map))


def measure_default(image: str, labels: str, cnn: str, refine: dict, seed: int) -> Result:
    """The map of our default method: that of the U-Net, refined by the image's colours."""
    from ssc.io.rasters import read_image

    pixels, classifier = read_image(image)[0], open_cnn(cnn)
    refine_image = make_phase2(refine, seed)
    start = now()
    class_map = refine_image(pixels, classify(classifier, pixels))
    return Result(since(start), peak_memory(), f1_scores(labels, class_map))


def open_cnn(cnn: str, tile_stride: int = 1) -> "CnnClassifier":
    """The CNN `model/<group>` on all cores, for images of a river that it learned from."""
    from ssc.cnn.classifier import ClassifierSettings, open_classifier
    from ssc.io.tables import read_table

    settings = ClassifierSettings(os.cpu_count() or 1, tile_stride, match_colours=False)
    return open_classifier(f"{cnn}.onnx", read_table(f"{cnn}.csv"), settings)


def classify(classifier: "CnnClassifier", pixels: "np.ndarray") -> tuple:
    """Class map, confidence and coarse probabilities of a whole image."""
    from ssc.io.rasters import ImageArray
    from ssc.io.windows import whole

    result = classifier.classify(ImageArray(pixels))
    return *result.read(whole(pixels.shape)), result.probabilities


def make_phase2(refine: dict, seed: int) -> "Callable[[np.ndarray, tuple], np.ndarray]":
    """Our phase 2 by the config section `refine`: from an image and its CNN's map to the map."""
    from settings import read_settings
    from ssc.io.windows import whole
    from ssc.refine.colours import FeatureSettings
    from ssc.refine.fusion import FusionSettings, RefinedMap
    from ssc.refine.pixel_classifiers import PixelClassifierSettings, make_pixel_classifier
    from ssc.refine.pseudo_labels import PseudoLabels, PseudoLabelSettings

    kinds = PseudoLabelSettings, PixelClassifierSettings, FeatureSettings, FusionSettings
    selection, pixel_classifier, features, fusion = (read_settings(k, refine) for k in kinds)
    classifier = make_pixel_classifier(pixel_classifier, os.cpu_count() or 1, seed)

    def refine_image(pixels, of_cnn):
        pseudo_labels = PseudoLabels(*of_cnn[:2], selection, seed)
        refined = RefinedMap(pixels, *of_cnn, pseudo_labels, classifier, features, fusion)
        return refined.read(whole(pixels.shape))[0]

    return refine_image


def measure_published(image: str, labels: str, tiles: Path, epochs: int, seed: int) -> Result:
    """The published phase 2; after fewer than 35 epochs scaled seconds and no F1."""
    import keras
    import numpy as np
    from skimage.filters.rank import median as rank_median
    from skimage.morphology import disk
    from sklearn.preprocessing import StandardScaler

    from ssc.io.rasters import read_image

    pixels, of_cnn = read_image(image)[0], pickle.loads(tiles.read_bytes())
    codes = of_cnn[0].ravel()
    keras.utils.set_random_seed(seed)
    ticks = []
    clock = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: ticks.append(now()),
        on_epoch_end=lambda epoch, logs: ticks.append(now()),
    )
    start = now()
    smooth = np.stack([rank_median(pixels[..., i], disk(5)) for i in range(3)], axis=-1)
    features = StandardScaler().fit_transform(smooth.reshape(-1, 3).astype(np.float32))
    labelled = codes > 0
    model = published_model(int(codes.max()) + 1)
    model.fit(features[labelled], codes[labelled], BATCH, epochs, verbose=0, callbacks=[clock])
    class_map = model.predict(features, BATCH, verbose=0).argmax(axis=1).astype(np.uint8)
    seconds, memory = scaled(since(start), ticks), peak_memory()
    f1 = f1_scores(labels, class_map.reshape(pixels.shape[:2])) if epochs >= EPOCHS else (nan, nan)
    return Result(seconds, memory, f1)


def published_model(n_outputs: int) -> "keras.Model":
    """The published MLP, untrained: 3 standardised bands to a probability of each code."""
    import keras
    from keras.layers import Dense, Dropout

    layers = [keras.Input((3,))]
    for number, units in enumerate((256, 128, 64, 32, 32)):
        layers.append(Dense(units, "relu", kernel_regularizer=keras.regularizers.L2(1e-3)))
        if number < 3:
            layers.append(Dropout(0.5))
    model = keras.Sequential([*layers, Dense(n_outputs, "softmax")])
    # Sparse: equal to the loss on one-hot labels, with less memory.
    model.compile(keras.optimizers.Adam(1e-3, amsgrad=True), "sparse_categorical_crossentropy")
    return model


def f1_scores(labels: str, class_map: "np.ndarray") -> tuple[float, float]:
    """Weighted and macro F1 of a map, uint8 (height, width), over the classes in the labels."""
    import numpy as np

    from ssc.classes import LandClass
    from ssc.evaluation.boundaries import boundary_counts
    from ssc.evaluation.scores import confusion_matrix, score_table
    from ssc.io.rasters import read_class_raster

    truth = read_class_raster(labels)
    classes = [LandClass(int(code), str(code)) for code in np.unique(truth[truth > 0])]
    confusion = confusion_matrix(truth, class_map, 256)
    (boundary,) = boundary_counts(truth, [class_map], 256)
    table = score_table(confusion, classes, boundary).set_index("class")
    return float(table.loc["ALL", "f1_score"]), float(table.loc["MACRO", "f1_score"])


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def since(start: Seconds) -> Seconds:
    """Seconds since a reading of `now`."""
    return Seconds(*(b - a for a, b in zip(start, now(), strict=True)))


def scaled(total: Seconds, ticks: list[Seconds]) -> Seconds:
    """A run's seconds with the epochs it lacks of 35 added; `ticks`: clocks at each epoch's end."""
    # The median leaves out the first epoch, in which TensorFlow traces the model.
    lap = (median(b - a for a, b in pairwise(clock)) for clock in zip(*ticks, strict=True))
    lacking = EPOCHS + 1 - len(ticks)
    return Seconds(*(t + lacking * epoch for t, epoch in zip(total, lap, strict=True)))


def peak_memory() -> float:
    """Peak resident memory of this process so far, libraries included, MiB (on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(rows: list[tuple[str, Result]], image: str, epochs: int) -> str:
    """The table of the steps, ours before the published one, in Markdown."""
    lines = [
        "| step | | wall s | CPU s | peak MiB | weighted F1 | macro F1 | published / ours, wall |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (step, result), (_, ours) in zip(rows, [rows[0], *rows], strict=False):
        (wall, cpu), memory, f1 = result
        whose, ratio = ("ours", "") if step else ("published", f"{wall / ours.seconds.wall:.0f}")
        scores = " | ".join("" if isnan(score) else f"{100 * score:.1f} %" for score in f1)
        lines.append(
            f"| {step} | {whose} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {scores} | {ratio} |"
        )
    machine = f"{processor()}, {os.cpu_count()} cores, {platform.system()}, Python "
    lines += ["", f"{image} on {machine}{platform.python_version()}."]
    if epochs < EPOCHS:
        lines[-1] += f" Published phase 2: {epochs} epochs timed, scaled to {EPOCHS}."
    return "\n".join(lines)


def processor() -> str:
    """The model name of the processor where Linux names it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
