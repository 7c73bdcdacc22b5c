"""Our phase 2 against the published one, on one image and its tile map: seconds, memory, F1.

Ours has the defaults of config/config.schema.yaml. The published one (Carbonneau et al. 2020,
Remote Sensing of Environment 251, 112107) fits a deep MLP to all pixels. Seconds count from image
and tile map in memory to the map in memory, without imports.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from math import nan
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))
EPOCHS, BATCH = 35, 250_000


class Seconds(NamedTuple):
    """How long something took: elapsed, and summed over the cores."""

    wall: float
    cpu: float


class Result(NamedTuple):
    """One phase 2: compute, peak memory in MiB, weighted and macro F1 from 0 to 1 (NaN: none)."""

    seconds: Seconds
    memory: float
    f1: tuple[float, float]


def main():
    args = parse_arguments()
    schema = yaml.safe_load((ROOT / "config" / "config.schema.yaml").read_text())["properties"]
    refine = {key: entry["default"] for key, entry in schema["refine"]["properties"].items()}
    paths, seed = (args.image, args.tile_map, args.labels), schema["seed"]["default"]
    epochs = EPOCHS if args.full else args.epochs_timed
    ours = in_child(measure_ours, *paths, refine, seed)
    print(report(ours, in_child(measure_published, *paths, epochs, seed), epochs))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--image", required=True, help="8-bit RGB image")
    parser.add_argument("--tile-map", required=True, help="class raster that phase 2 learns from")
    parser.add_argument("--labels", required=True, help="class raster to score against")
    parser.add_argument("--full", action="store_true", help="published: all epochs, and its F1")
    parser.add_argument("--epochs-timed", type=int, default=3, help="without --full (default 3)")
    return parser.parse_args()


def in_child(function: Callable[..., Result], *arguments: Any) -> Result:
    """The function's result in a fresh process, so that neither side adds to the other's memory."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure_ours(image: str, tile_map: str, labels: str, refine: dict, seed: int) -> Result:
    """Our phase 2 of files, with the settings of `refine`."""
    from ssc.pixel_classifier import pixel_classifier
    from ssc.raster import read_class_raster, read_image
    from ssc.refine import refine_map, teach

    pixels, codes = read_image(image)[0], read_class_raster(tile_map)
    classifier = pixel_classifier(refine, os.cpu_count(), seed)
    start = now()
    # The defaults neither look at the size of a tile nor at its confidence.
    teaching = teach(codes, refine, 0, None, seed)
    found = refine_map(pixels, teaching, classifier, refine)
    return Result(since(start), peak_memory(), f1_scores(labels, found))


def measure_published(image: str, tile_map: str, labels: str, epochs: int, seed: int) -> Result:
    """The published phase 2 of files; after fewer than 35 epochs scaled seconds and no F1."""
    import keras
    import numpy as np
    from skimage.filters.rank import median as rank_median
    from skimage.morphology import disk
    from sklearn.preprocessing import StandardScaler

    from ssc.raster import read_class_raster, read_image

    pixels, codes = read_image(image)[0], read_class_raster(tile_map)
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
    classes = [LandClass(int(code), str(code), "") for code in np.unique(truth[truth > 0])]
    confusion, boundary = confusion_matrix(truth, codes, 256), boundary_counts(truth, codes, 256)
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


def report(ours: Result, published: Result, epochs: int) -> str:
    """The table of both sides and how they compare, as text."""
    lines = ["phase 2      wall s    CPU s  peak MiB  weighted F1  macro F1"]
    for name, ((wall, cpu), memory, f1) in (("ours", ours), ("published", published)):
        lines.append(f"{name:9} {wall:9.2f} {cpu:8.2f} {memory:9.0f} {f1[0]:12.4f} {f1[1]:9.4f}")
    wall, cpu = (p / o for o, p in zip(ours.seconds, published.seconds, strict=True))
    lines.append(f"seconds, published / ours: wall {wall:.0f}, CPU {cpu:.0f}")
    if epochs < EPOCHS:
        note = f"published: {epochs} epochs timed, scaled to {EPOCHS}; no F1 without --full"
    else:
        weighted, macro = (o - p for o, p in zip(ours.f1, published.f1, strict=True))
        note = f"F1, ours - published: weighted {weighted:+.4f}, macro {macro:+.4f}"
    return "\n".join([*lines, note])


if __name__ == "__main__":
    main()
