"""Our steps against the published ones, on one image: seconds, memory, F1; a table for the docs.

Tiles: the CNN classifies an image's tiles, ours by ONNX Runtime, the published way by Keras. Phase
2: ours has the defaults of config/config.schema.yaml, the published one (Carbonneau et al. 2020,
Remote Sensing of Environment 251, 112107) fits a deep MLP to all pixels; both are taught by our
tile map. Default: our dense CNN and phase 2 make the map. Seconds count from image and CNN in
memory to the map in memory, without imports.
"""

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from math import isnan, nan
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
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
    schema = yaml.safe_load((ROOT / "config" / "config.schema.yaml").read_text())["properties"]
    refine = {key: entry["default"] for key, entry in schema["refine"]["properties"].items()}
    seed, size = schema["seed"]["default"], schema["tiles"]["properties"]["size"]["default"]
    epochs = EPOCHS if args.full else args.epochs_timed
    image, labels = args.image, args.labels
    with TemporaryDirectory() as folder:
        tile_map = Path(folder) / "tile_map.npy"
        rows = [
            ("tiles", in_child(measure_tiles, image, labels, args.tile_cnn, size, tile_map)),
            ("", in_child(measure_keras, image, labels, args.tile_cnn, size)),
            ("phase 2", in_child(measure_phase2, image, labels, tile_map, refine, seed)),
            ("", in_child(measure_published, image, labels, tile_map, epochs, seed)),
            ("default", in_child(measure_default, image, labels, args.dense_cnn, refine, seed)),
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
    parser.add_argument("--tile-cnn", required=True, help="model/<group> of method published")
    parser.add_argument("--dense-cnn", required=True, help="model/<group> of method dense")
    parser.add_argument("--doc", type=Path, help="file whose table is replaced by this one")
    parser.add_argument("--full", action="store_true", help="published: all epochs, and its F1")
    parser.add_argument("--epochs-timed", type=int, default=3, help="without --full (default 3)")
    return parser.parse_args()


def in_child(function: Callable[..., Result], *arguments: Any) -> Result:
    """The function's result in a fresh process, so that neither side adds to the other's memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure_tiles(image: str, labels: str, cnn: str, size: int, tile_map: Path) -> Result:
    """Our tile map of an image, which is also saved for phase 2."""
    import numpy as np
    import pandas as pd

    from ssc.raster import read_image
    from ssc.tile_classifier import TileClassifier

    pixels = read_image(image)[0]
    classifier = TileClassifier(f"{cnn}.onnx", pd.read_csv(f"{cnn}.csv"), os.cpu_count())
    start = now()
    found, _ = classifier.classify(pixels, size)
    result = Result(since(start), peak_memory(), f1_scores(labels, found))
    np.save(tile_map, found)
    return result


def measure_keras(image: str, labels: str, cnn: str, size: int) -> Result:
    """The tile map by Keras, without the strips at the right and bottom edge, as published."""
    import keras
    import numpy as np
    import pandas as pd

    from ssc.raster import read_image

    pixels, key = read_image(image)[0], pd.read_csv(f"{cnn}.csv").sort_values("LocalClass")
    model = keras.models.load_model(f"{cnn}.h5", compile=False)
    start = now()
    rows, columns = (side // size for side in pixels.shape[:2])
    grid = pixels[: rows * size, : columns * size].reshape(rows, size, columns, size, 3)
    tiles = grid.swapaxes(1, 2).reshape(-1, size, size, 3).astype(np.float32)
    code_of = np.array([0, *key["HierarchClass"]], np.uint8)
    codes = code_of[model.predict(tiles, verbose=0).argmax(axis=1)].reshape(rows, columns)
    found = np.zeros(pixels.shape[:2], np.uint8)
    found[: rows * size, : columns * size] = codes.repeat(size, axis=0).repeat(size, axis=1)
    return Result(since(start), peak_memory(), f1_scores(labels, found))


def measure_phase2(image: str, labels: str, tile_map: Path, refine: dict, seed: int) -> Result:
    """Our phase 2 of the published method, with the settings of `refine`."""
    import numpy as np

    from ssc.pixel_classifier import pixel_classifier
    from ssc.raster import read_image
    from ssc.refine import refine_map, teach

    pixels, codes = read_image(image)[0], np.load(tile_map)
    classifier = pixel_classifier(refine, os.cpu_count(), seed)
    start = now()
    # The defaults neither look at the size of a tile nor at its confidence.
    teaching = teach(codes, refine, 0, None, seed)
    found = refine_map(pixels, teaching, classifier, refine)
    return Result(since(start), peak_memory(), f1_scores(labels, found))


def measure_default(image: str, labels: str, cnn: str, refine: dict, seed: int) -> Result:
    """The map of our default method: the dense CNN, sharpened by the image's colours."""
    import pandas as pd

    from ssc.dense_classifier import DenseClassifier
    from ssc.pixel_classifier import pixel_classifier
    from ssc.raster import read_image
    from ssc.refine import most_probable, sharpen, teach

    pixels = read_image(image)[0]
    network = DenseClassifier(f"{cnn}.onnx", pd.read_csv(f"{cnn}.csv"), os.cpu_count())
    classifier = pixel_classifier(refine, os.cpu_count(), seed)
    start = now()
    probabilities = network.probabilities(pixels)
    mapped, sure = most_probable(probabilities, network.codes)
    teaching = teach(mapped, refine, 0, sure, seed)
    of_network = probabilities, network.codes, mapped, sure
    found, _ = sharpen(pixels, *of_network, teaching, classifier, refine)
    return Result(since(start), peak_memory(), f1_scores(labels, found))


def measure_published(image: str, labels: str, tile_map: Path, epochs: int, seed: int) -> Result:
    """The published phase 2; after fewer than 35 epochs scaled seconds and no F1."""
    import keras
    import numpy as np
    from skimage.filters.rank import median as rank_median
    from skimage.morphology import disk
    from sklearn.preprocessing import StandardScaler

    from ssc.raster import read_image

    pixels, codes = read_image(image)[0], np.load(tile_map)
    keras.utils.set_random_seed(seed)
    ticks = []
    clock = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: ticks.append(now()),
        on_epoch_end=lambda epoch, logs: ticks.append(now()),
    )
    start = now()
    smooth = np.stack([rank_median(pixels[..., i], disk(5)) for i in range(3)], axis=-1)
    features = StandardScaler().fit_transform(smooth.reshape(-1, 3).astype(np.float32))
    known = codes.ravel() > 0
    model = published_model(int(codes.max()) + 1)
    model.fit(features[known], codes.ravel()[known], BATCH, epochs, verbose=0, callbacks=[clock])
    found = model.predict(features, BATCH, verbose=0).argmax(axis=1).astype(np.uint8)
    seconds, memory = scaled(since(start), ticks), peak_memory()
    f1 = f1_scores(labels, found.reshape(codes.shape)) if epochs >= EPOCHS else (nan, nan)
    return Result(seconds, memory, f1)


def published_model(outputs: int) -> Any:
    """The published MLP, untrained: 3 standardised bands to a probability of each code."""
    import keras
    from keras.layers import Dense, Dropout

    layers = [keras.Input((3,))]
    for number, units in enumerate((256, 128, 64, 32, 32)):
        layers.append(Dense(units, "relu", kernel_regularizer=keras.regularizers.L2(1e-3)))
        if number < 3:
            layers.append(Dropout(0.5))
    model = keras.Sequential([*layers, Dense(outputs, "softmax")])
    # Sparse: equal to the loss on one-hot labels, with less memory.
    model.compile(keras.optimizers.Adam(1e-3, amsgrad=True), "sparse_categorical_crossentropy")
    return model


def f1_scores(labels: str, codes: Any) -> tuple[float, float]:
    """Weighted and macro F1 of a map, uint8 (height, width), over the classes in the labels."""
    import numpy as np

    from ssc.classes import LandClass
    from ssc.raster import read_class_raster
    from ssc.scores import boundary_counts, confusion_matrix, score_table

    truth = read_class_raster(labels)
    classes = [LandClass(int(code), str(code)) for code in np.unique(truth[truth > 0])]
    confusion = confusion_matrix(truth, codes, 256)
    (boundary,) = boundary_counts(truth, [codes], 256)
    table = score_table(confusion, classes, boundary).set_index("class")
    return float(table.loc["ALL", "f1_score"]), float(table.loc["MACRO", "f1_score"])


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def since(start: Seconds) -> Seconds:
    """What the clocks have gone on from a reading of `now`."""
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
    """The model name of the processor where Linux tells it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
