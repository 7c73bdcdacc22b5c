"""Seconds an image of a large campaign takes, by stage, and what its arithmetic takes alone.

The images of a folder are mapped, several times over under other numbers, by a trained CNN of the
default method. Stages are as Snakemake's own benchmark files tell.
"""

import argparse
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from workflow import ROOT, link, run_workflow

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from ssc.campaign import read_campaign
from ssc.dense_classifier import DenseClassifier
from ssc.raster import read_image


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="images of one river, with labels or without")
    parser.add_argument("cnn", type=Path, help="model/<group> of a finished run")
    parser.add_argument("--times", type=int, default=20, help="how often each image comes")
    parser.add_argument("--images-per-job", type=int, default=50)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/throughput"))
    args = parser.parse_args()
    river = next(args.folder.glob("*.jpg")).stem.rpartition("_")[0]
    groups = {"trained": {"predict": [river], "model": f"{args.cnn.resolve()}.h5"}}
    images = list(read_campaign([], str(args.folder), groups).predict.values())
    sources, targets = [], []
    for number, image in enumerate(images * args.times, start=1):
        name = f"{river}_{number:05}"
        sources.append(image.path)
        targets.append(args.out / f"images/{name}.jpg")
        if image.label:
            sources.append(image.label)
            targets.append(args.out / f"images/SCLS_{name}.tif")
    link(sources, targets)
    config = {
        "campaign": {
            "train": [],
            "predict": "images",
            "groups": groups,
            "images_per_job": args.images_per_job,
        },
        "results": "results",
        "experiment": "throughput",
    }
    start = time.perf_counter()
    run_workflow(args.out, config, ["--cores", str(args.cores)])
    wall = (time.perf_counter() - start) / number
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / number
    table = stages(args.out / "logs", number)
    print(table.to_string())
    print(
        f"{number} images on {args.cores} cores, seconds an image: {wall:.2f} wall, {cpu:.2f} CPU"
    )
    # As many at a time as in the campaign: cores that share caches slow each other down.
    with ProcessPoolExecutor(args.cores) as pool:
        alone = pd.DataFrame(pool.map(arithmetic, images * args.cores, repeat(args.cnn)))
    needed = alone.mean().round(2)
    print(f"What has to be, seconds an image: {needed.sum():.2f}, {needed.to_dict()}")
    print(f"All stages over that: {table['wall s an image'].sum() / needed.sum():.2f}")


def stages(logs: Path, images: int) -> pd.DataFrame:
    """Jobs, their wall seconds for each image and their peak memory, by rule.

    Their CPU seconds are no use: Snakemake takes the last of its samples, half a minute apart.
    """
    found = [
        (path.relative_to(logs).parts[0].removesuffix(".tsv"), pd.read_csv(path, sep="\t"))
        for path in logs.rglob("*.tsv")
    ]
    jobs = pd.concat([table.assign(rule=rule) for rule, table in found]).groupby("rule")
    return pd.DataFrame(
        {
            "jobs": jobs.size(),
            "wall s an image": (jobs["s"].sum() / images).round(3),
            "peak MB": jobs["max_rss"].max().round(),
        }
    )


def arithmetic(image, cnn: Path) -> dict[str, float]:
    """Seconds of decoding one image, of the CNN and of the median filter, on one core."""
    cv2.setNumThreads(1)
    network = DenseClassifier(f"{cnn}.onnx", pd.read_csv(f"{cnn}.csv"), 1)
    times = [time.perf_counter()]
    pixels = read_image(image.path)[0]
    times.append(time.perf_counter())
    network.probabilities(pixels)
    times.append(time.perf_counter())
    cv2.medianBlur(pixels, 9)
    times.append(time.perf_counter())
    return dict(zip(["decode", "CNN", "median"], np.diff(times), strict=True))


if __name__ == "__main__":
    main()
