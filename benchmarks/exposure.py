"""What `dense.match_colours` is worth: labelled images made darker and brighter, and mapped."""

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from workflow import ROOT

sys.path.insert(0, str(ROOT / "workflow_scripts"))

from ssc.campaign import read_campaign
from ssc.colour_match import band_means
from ssc.dense_classifier import DenseClassifier
from ssc.raster import read_class_raster, read_image
from ssc.refine import most_probable


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="labelled images of one river")
    parser.add_argument("cnn", type=Path, help="model/<group> of a finished run, dense method")
    parser.add_argument("--stops", type=float, nargs="+", default=[-3, -2, -1, 0, 1, 1.5])
    args = parser.parse_args()
    key = pd.read_csv(f"{args.cnn}.csv")
    networks = {
        column: DenseClassifier(f"{args.cnn}.onnx", key, os.cpu_count(), matched)
        for column, matched in (("as they are", False), ("match_colours", True))
    }
    images = [i for i in read_campaign([], args.folder, {}).predict.values() if i.label]
    rows = []
    for stops in args.stops:
        right, labelled, means = dict.fromkeys(networks, 0), 0, []
        for image in images:
            pixels = cv2.LUT(read_image(image.path)[0], exposed(stops))
            labels = read_class_raster(image.label)
            means.append(round(band_means(pixels).mean()))
            labelled += np.count_nonzero(labels)
            for column, network in networks.items():
                found, _ = most_probable(network.probabilities(pixels), network.codes)
                right[column] += np.count_nonzero((found == labels) & (labels > 0))
        row = {"stops": stops, "brightness": f"{min(means)} to {max(means)}"}
        rows.append(row | {column: round(100 * n / labelled, 1) for column, n in right.items()})
    print(pd.DataFrame(rows).to_string(index=False))


def exposed(stops: float) -> np.ndarray:
    """What each value becomes in so many times 2 the light, uint8 (256,).

    By the transfer functions of sRGB (IEC 61966-2-1).
    """
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    light = np.minimum(light * 2**stops, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * value).astype(np.uint8)


if __name__ == "__main__":
    main()
