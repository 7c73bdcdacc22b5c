"""Memory and time that orthomosaics of growing size take, phase by phase, on one core.

The orthomosaics are made of the photographs of a folder: JPEG-compressed GeoTIFFs with a mask.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import rasterio
from workflow import complete_config

from map_files import write_map
from results import open_batch
from settings import read_settings
from ssc.classes import read_classes
from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.io.rasters import (
    open_band,
    open_class_raster,
    open_image,
    read_image,
    read_probabilities,
    write_probabilities,
)
from ssc.io.tables import read_table
from ssc.io.windows import windows
from ssc.refine.colours import FeatureSettings
from ssc.refine.fusion import FusionSettings, RefinedMap
from ssc.refine.pixel_classifiers import PixelClassifierSettings, make_pixel_classifier
from ssc.refine.pseudo_labels import PseudoLabels, PseudoLabelSettings

BLOCK = 512


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path, help="folder of photographs")
    parser.add_argument("cnn", help="path of a U-Net of this workflow, without .onnx")
    sides = [2430, 5000, 10_000, 20_000, 30_000]
    parser.add_argument("--sides", type=int, nargs="+", default=sides, help="pixels")
    parser.add_argument("--out", type=Path, default=Path("results/large_images"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for side in args.sides:
        ortho = args.out / f"ortho_{side}.tif"
        if not ortho.exists():
            make_ortho(sorted(args.images.glob("*.jpg")), side, ortho)
        for phase in (classify, refine):
            # A process of its own, so that neither phase adds to the memory of the other.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                seconds, megabytes = pool.submit(phase, ortho, args.cnn).result()
            size = side**2 / 1e6
            row = {"phase": phase.__name__, "Mpx": size, "CPU s": seconds, "peak MB": megabytes}
            rows.append(row | {"CPU s / Mpx": seconds / size})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(args.out / "large_images.csv", index=False)
    print(table.round(3).to_string(index=False))
    plot(args.out / "large_images.png", table)


def make_ortho(paths: list[Path], side: int, path: Path) -> None:
    """Put blocks of the photographs beside each other; a twentieth at the left shows nothing."""
    photographs = [read_image(str(p))[0] for p in paths]
    form = dict(driver="GTiff", width=side, height=side, count=3, dtype="uint8", tiled=True)
    form |= dict(blockxsize=BLOCK, blockysize=BLOCK, compress="jpeg", photometric="ycbcr")
    place = dict(crs="EPSG:32619", transform=rasterio.Affine(0.05, 0, 4e5, 0, -0.05, 5.3e6))
    blocks = cycle(
        photograph[y : y + BLOCK, x : x + BLOCK]
        for photograph in photographs
        for y in range(0, photograph.shape[0] - BLOCK, BLOCK)
        for x in range(0, photograph.shape[1] - BLOCK, BLOCK)
    )
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **form, **place, bigtiff="if_safer") as target,
    ):
        for top in range(0, side, BLOCK):
            row = np.concatenate([next(blocks) for _ in range(0, side, BLOCK)], axis=1)
            row = row[: side - top, :side]
            area = rasterio.windows.Window(0, top, *row.shape[1::-1])
            target.write(row.transpose(2, 0, 1), window=area)
            valid = np.ones(row.shape[:2], bool)
            valid[:, : side // 20] = False
            target.write_mask(valid, window=area)


def classify(ortho: Path, cnn: str) -> tuple[float, float]:
    """Phase 1: CPU seconds, and megabytes at the peak."""
    cv2.setNumThreads(1)
    config = complete_config()
    start = time.process_time()
    classifier = open_classifier(f"{cnn}.onnx", read_table(f"{cnn}.csv"), ClassifierSettings(1))
    with batch_of(ortho, "cnn") as batch, open_image(str(ortho)) as image:
        result = classifier.classify(image)
        how = read_classes(config["classes"]), windows(image.shape), result.read, {}
        write_map(batch, "CNN", ortho.stem, image.geometry, *how)
        with batch.file(f"probabilities_{ortho.stem}.tif") as path:
            write_probabilities(path, result.probabilities, image.geometry)
    return used(start)


def refine(ortho: Path, cnn: str) -> tuple[float, float]:
    """Phase 2: CPU seconds, and megabytes at the peak."""
    cv2.setNumThreads(1)
    config, name = complete_config(), ortho.stem
    kinds = PseudoLabelSettings, PixelClassifierSettings, FeatureSettings, FusionSettings
    selection, kind, features, fusion = (read_settings(k, config["refine"]) for k in kinds)
    start = time.process_time()
    with (
        batch_of(ortho, "maps") as batch,
        open_image(str(ortho)) as image,
        open_class_raster(batch.folder.with_name("cnn") / f"CNN_{name}.tif") as cnn_map,
        open_band(batch.folder.with_name("cnn") / f"confidence_{name}.tif") as confidence,
    ):
        probabilities = read_probabilities(
            batch.folder.with_name("cnn") / f"probabilities_{name}.tif"
        )
        pseudo_labels = PseudoLabels(cnn_map, confidence, selection, 42)
        classifier = make_pixel_classifier(kind, 1, 42)
        of_cnn = cnn_map, confidence, probabilities, pseudo_labels
        refined = RefinedMap(image, *of_cnn, classifier, features, fusion)
        how = read_classes(config["classes"]), refined.windows, refined.read, {}
        write_map(batch, "MLP", name, image.geometry, *how)
    return used(start)


def batch_of(ortho: Path, folder: str):
    """The files of one orthomosaic in a folder beside it."""
    record = ortho.with_suffix("") / folder / "batches" / f"{ortho.stem}.csv"
    record.parent.mkdir(parents=True, exist_ok=True)
    return open_batch(str(record))


def used(start: float) -> tuple[float, float]:
    """CPU seconds since the start, and megabytes at the peak of this process."""
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def plot(path: Path, table: pd.DataFrame) -> None:
    """Draw peak memory and CPU time per megapixel against the size."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for phase, rows in table.groupby("phase", sort=False):
        axes[0].plot(rows["Mpx"], rows["peak MB"] / 1000, "o-", label=phase)
        axes[1].plot(rows["Mpx"], rows["CPU s / Mpx"], "o-", label=phase)
    for axis, title in zip(axes, ("Peak memory (GB)", "CPU seconds per megapixel"), strict=True):
        axis.set_xlabel("size of the orthomosaic (megapixels)")
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title(title)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
