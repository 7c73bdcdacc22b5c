"""Seconds an image of a large campaign takes, by stage, and what its arithmetic takes alone.

The images of a folder are mapped, several times over under other numbers, by a trained CNN of the
default method. Stages are as Snakemake's own benchmark files tell.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import cv2
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
    parser.add_argument("--times", type=int, default=6, help="how often each image comes")
    parser.add_argument("--images-per-job", type=int, default=10)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/throughput"))
    args = parser.parse_args()
    river = next(args.folder.glob("*.jpg")).stem.rpartition("_")[0]
    groups = {"trained": {"predict": [river], "model": f"{args.cnn.resolve()}.h5"}}
    images = list(read_campaign([], str(args.folder), groups).predict.values())
    for number, image in enumerate(images * args.times, start=1):
        targets = [args.out / f"images/{prefix}{river}_{number:05}" for prefix in ("", "SCLS_")]
        link([image.path], [targets[0].with_suffix(".jpg")])
        if image.label:
            link([image.label], [targets[1].with_suffix(".tif")])
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
    print(stages(args.out / "logs", number).to_string())
    print(
        f"{number} images on {args.cores} cores, seconds an image: {wall:.2f} wall, {cpu:.2f} CPU"
    )
    alone = arithmetic(images, args.cnn)
    print(f"CPU seconds an image of what has to be: {sum(alone.values()):.2f}, {alone}")


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


def arithmetic(images, cnn: Path) -> dict[str, float]:
    """CPU seconds an image of decoding, of the CNN and of the median filter, on one core."""
    cv2.setNumThreads(1)
    network = DenseClassifier(f"{cnn}.onnx", pd.read_csv(f"{cnn}.csv"), 1)
    total = dict.fromkeys(["decode", "CNN", "median"], 0.0)
    for image in images:
        start = time.process_time()
        pixels = read_image(image.path)[0]
        decoded = time.process_time()
        network.probabilities(pixels)
        classified = time.process_time()
        cv2.medianBlur(pixels, 9)
        done = time.process_time()
        for part, seconds in zip(
            total, (decoded - start, classified - decoded, done - classified), strict=True
        ):
            total[part] += seconds / len(images)
    return {part: round(seconds, 2) for part, seconds in total.items()}


if __name__ == "__main__":
    main()
