"""Seconds an image of a large campaign takes, by stage, and what its arithmetic takes alone.

The images of a folder are mapped, several times over under other numbers, by a trained CNN. The
stages are as Snakemake's own benchmark files have them.
"""

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from workflow import complete_config, job_times, link_images, run_workflow

from ssc.campaign import read_campaign
from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.io.rasters import ImageArray, read_image
from ssc.io.tables import read_table
from ssc.io.windows import whole


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
    numbered = [(f"{river}_{n:05}", i) for n, i in enumerate(images * args.times, start=1)]
    link_images(args.out / "images", numbered)
    campaign = {"predict": "images", "groups": groups, "images_per_job": args.images_per_job}
    start = time.perf_counter()
    results = run_workflow(args.out, {"campaign": campaign}, ["--cores", str(args.cores)])
    n = len(numbered)
    wall = (time.perf_counter() - start) / n
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (used.ru_utime + used.ru_stime) / n
    table = stages(results, n)
    print(table.to_string())
    print(f"{n} images on {args.cores} cores, seconds an image: {wall:.2f} wall, {cpu:.2f} CPU")
    # As many at a time as in the campaign: cores that share caches slow each other down.
    with ProcessPoolExecutor(args.cores) as pool:
        alone = pd.DataFrame(pool.map(arithmetic, images * args.cores, repeat(args.cnn)))
    needed = alone.mean().round(2)
    print(f"What has to be, seconds an image: {needed.sum():.2f}, {needed.to_dict()}")
    print(f"All stages over that: {table['wall s an image'].sum() / needed.sum():.2f}")


def stages(results: Path, images: int) -> pd.DataFrame:
    """Jobs, their wall seconds for each image and their peak memory, by rule.

    Their CPU seconds are no use: Snakemake takes the last of its samples, half a minute apart.
    """
    jobs = job_times(results).groupby("rule")
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
    config = complete_config()
    settings = ClassifierSettings(1, config["tiles"]["predict_stride"], match_colours=False)
    classifier = open_classifier(f"{cnn}.onnx", read_table(f"{cnn}.csv"), settings)
    times = [time.perf_counter()]
    pixels = read_image(image.path)[0]
    times.append(time.perf_counter())
    result = classifier.classify(ImageArray(pixels))
    result.read(whole(pixels.shape))
    times.append(time.perf_counter())
    cv2.medianBlur(pixels, config["refine"]["median_size"])
    times.append(time.perf_counter())
    return dict(zip(["decode", "CNN", "median"], np.diff(times).tolist(), strict=True))


if __name__ == "__main__":
    main()
