"""Whether labelling the images that a map is least sure of beats labelling any.

Of a folder of labelled images some are taken at random to learn from. The CNN maps the others;
then the labels of those of lowest confidence are added, or of as many at random, and a CNN that
learns from all of them maps the test images. Both add the same number of images.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from keras_job import dense_policy, set_up_keras

set_up_keras(os.cpu_count())

import keras
import numpy as np
import pandas as pd
import yaml

from ssc.campaign import read_campaign
from ssc.class_key import class_key
from ssc.classes import read_classes
from ssc.cnn import export_onnx
from ssc.dense_classifier import DenseClassifier
from ssc.dense_net import build_dense_net, coarse_network, train_dense_net
from ssc.labelling import rank_images
from ssc.raster import read_class_raster, read_image
from ssc.refine import most_probable
from ssc.scores import boundary_counts, confusion_matrix, score_table

SCHEMA = yaml.safe_load((ROOT / "config/config.schema.yaml").read_text())["properties"]
DENSE = {key: setting["default"] for key, setting in SCHEMA["dense"]["properties"].items()}
CLASSES = read_classes(SCHEMA["classes"]["default"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("train", help="labelled images of one river to choose from")
    parser.add_argument("test", help="labelled images of it to score")
    parser.add_argument("--start", type=int, default=8, help="images labelled at first")
    parser.add_argument("--add", type=int, default=8, help="images labelled next")
    parser.add_argument("--steps", type=int, default=500, help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("results/label_next"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    found = read_campaign(args.train, args.test, "per_river")
    train, test = (
        {i.name: (read_image(i.path)[0], read_class_raster(i.label)) for i in role.values()}
        for role in (found.train, found.predict)
    )
    rows = []
    for seed in args.seeds:
        rng = np.random.default_rng(seed)
        names = rng.permutation(list(train)).tolist()
        start, pool = names[: args.start], names[args.start :]
        network = learn([train[name] for name in start], args, seed)
        confidence = [classify(network, train[name][0])[1].mean() for name in pool]
        ranked = rank_images(
            pd.DataFrame({"Image": pool, "labelled": False, "confidence": confidence})
        )
        choices = {
            "first": [],
            "random": pool[: args.add],
            "least sure": ranked["Image"].head(args.add).tolist(),
        }
        for choice, added in choices.items():
            if added:
                network = learn([train[name] for name in start + added], args, seed)
            labelled = sum((train[name][1] > 0).sum() for name in start + added)
            rows.append(
                {"seed": seed, "labelled": choice, "pixels": labelled, **score(network, test)}
            )
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table.to_csv(args.out / "label_next.csv", index=False)
    print(table.groupby("labelled", sort=False).agg(["mean", "std"]).round(2).to_string())


def learn(labelled, args, seed):
    """The dense CNN of some images and their labels."""
    key = class_key(CLASSES, ["river"], local=False)
    images, outputs = zip(*labelled, strict=True)
    keras.utils.set_random_seed(seed)
    settings = DENSE | {"steps": args.steps}
    model = build_dense_net(settings["channels"], len(key) + 1, dense_policy(True))
    train_dense_net(model, images, outputs, settings, seed)
    trained = build_dense_net(settings["channels"], len(key) + 1, "float32")
    trained.set_weights(model.get_weights())
    path = args.out / "network.onnx"
    export_onnx(coarse_network(trained), path)
    return DenseClassifier(str(path), key, os.cpu_count())


def classify(network, image):
    return most_probable(network.probabilities(image), network.codes)


def score(network, test):
    """Weighted and macro F1 of the CNN's maps over all test images, percent."""
    n_codes = CLASSES[-1].code + 1
    confusion, boundary = 0, 0
    for image, labels in test.values():
        codes, _ = classify(network, image)
        confusion = confusion + confusion_matrix(labels, codes, n_codes)
        boundary = boundary + boundary_counts(labels, codes, n_codes)
    f1 = score_table(confusion, CLASSES, boundary).set_index("class")["f1_score"] * 100
    return {"weighted_f1": f1["ALL"], "macro_f1": f1["MACRO"]}


if __name__ == "__main__":
    main()
