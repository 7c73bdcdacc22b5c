"""Config, discovery of images, and the input functions of all rules."""

import ast
import hashlib
import os
import re
import sys
import time
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate
from workflow_scripts.ssc import campaign
from workflow_scripts.ssc.errors import InputError

BEGUN = time.time()
SCHEMA = workflow.source_path("../config/config.schema.yaml")
# Not workflow.basedir, which is that of a workflow that imports this one as a module.
SCRIPTS = Path(campaign.__file__).parents[1]


def config_problems(config):
    """One line for each key that the schema refuses."""
    for error in Draft202012Validator(yaml.safe_load(open(SCHEMA))).iter_errors(config):
        key = ".".join(map(str, error.absolute_path)) or "config"
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            for name in sorted(set(error.instance) - set(known)):
                near = get_close_matches(name, known, n=1)
                hint = (
                    f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                )
                yield f"{key}: no such key {name}; {hint}"
            continue
        yield f"{key}: {error.message}. {error.schema.get('description', '')}"


def read_config():
    # YAML reads the codes of classes as numbers, JSON schema knows keys of text only.
    if isinstance(config.get("classes"), dict):
        config["classes"] = {str(code): c for code, c in config["classes"].items()}
    if problems := list(config_problems(config)):
        raise WorkflowError("\n".join(["The config has errors:", *problems]))
    validate(config, SCHEMA)
    tiles = config["tiles"]
    if tiles["predict_stride"] > tiles["size"]:
        raise WorkflowError(
            f"tiles.predict_stride: {tiles['predict_stride']} px leaves gaps between tiles of "
            f"{tiles['size']} px; set it to {tiles['size']} or less"
        )
    if config["method"] == "dense" and config["cnn"]["tuning"]["only"]:
        raise WorkflowError(
            "cnn.tuning.only: tuning is of the tile CNN; set method to published, or "
            "cnn.tuning.only to false"
        )
    if config["refine"]["entropy"] and config["refine"]["colour_bits"] > 6:
        raise WorkflowError(
            "refine.colour_bits: more than 6 make too many colours with refine.entropy; set it "
            "to 6 or less"
        )

    problems = []
    results = campaign.expand("results", config["results"], problems)
    weights = config["cnn"]["weights"]
    if config["method"] == "published" and weights not in (None, "imagenet"):
        weights = campaign.expand("cnn.weights", weights, problems)
        if weights and not weights.is_file():
            problems.append(
                f"cnn.weights: no file {weights}; give imagenet, null or a weights file"
            )
        config["cnn"]["weights"] = str(weights)
    if problems:
        raise WorkflowError("\n".join(problems))
    return str(results)


RESULTS = read_config()
# Of what draws nothing a new colour need repeat nothing.
CLASS_NAMES = {code: {"name": c["name"]} for code, c in config["classes"].items()}
FINAL = {"mlp": "MLP", "rf": "RF", "none": None}[config["refine"]["method"]]

try:
    CAMPAIGN = campaign.read_campaign(
        *(config["campaign"][key] for key in ("train", "predict", "groups"))
    )
except InputError as error:
    raise WorkflowError("\n".join(["The campaign has errors:", *error.problems]))

# Groups whose CNN this campaign trains, and those that bring a trained one.
TO_TRAIN = [g.name for g in CAMPAIGN.groups.values() if not g.model]
TRAINED = [g.name for g in CAMPAIGN.groups.values() if g.model]
TUNING_ONLY = config["cnn"]["tuning"]["only"]

PER_JOB = config["campaign"]["images_per_job"]
TRAIN_BATCHES = campaign.batches(CAMPAIGN.train.values(), PER_JOB)
ALL_BATCHES = campaign.batches(CAMPAIGN.predict.values(), PER_JOB)
PREDICT_BATCHES = {
    name: {
        batch: images
        for batch, images in ALL_BATCHES.items()
        if images[0].river in group.predict
    }
    for name, group in CAMPAIGN.groups.items()
}


@cache
def code_digest(script):
    """A checksum of a script and the modules that it imports from ssc, directly or not.

    Snakemake reruns a job when its script changes, but does not look at what that imports.
    """
    todo, seen = [SCRIPTS / script], {}
    while todo:
        path = todo.pop()
        seen[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                folder = path.parent if node.level else SCRIPTS
                folder = folder / (node.module or "").replace(".", "/")
                modules = [
                    folder / alias.name for alias in node.names if folder.is_dir()
                ]
                for module in modules or [folder]:
                    imported = module.with_name(f"{module.name}.py")
                    if imported.is_file() and imported not in seen:
                        todo.append(imported)
    return hashlib.sha256("".join(sorted(seen.values())).encode()).hexdigest()[:16]


def files_digest():
    """A checksum of the names, sizes and times of all images and labels."""
    digest = hashlib.sha256()
    for image in [*CAMPAIGN.train.values(), *CAMPAIGN.predict.values()]:
        for path in filter(None, (image.path, image.label)):
            found = os.stat(path)
            digest.update(f"{path}|{found.st_size}|{found.st_mtime_ns}|".encode())
    return digest.hexdigest()[:16]


def one_of(names):
    """Regular expression of a wildcard that is one of these names, or nothing at all."""
    return "|".join(map(re.escape, names)) or "(?!)"


def by_attempt(amount):
    """A resource that grows with each new try: SLURM kills jobs that take more than they asked."""
    return lambda wildcards, attempt: attempt * amount


def training_batches(group):
    return [
        batch
        for batch, images in TRAIN_BATCHES.items()
        if images[0].river in CAMPAIGN.groups[group].train
    ]


def training_files(folder, group):
    return [f"{RESULTS}/{folder}/{batch}.npz" for batch in training_batches(group)]


def training_rivers(group):
    """River of each of the training files of a group."""
    return [TRAIN_BATCHES[batch][0].river for batch in training_batches(group)]


def predict_batch(wildcards):
    return PREDICT_BATCHES[wildcards.group][wildcards.batch]


def batch_minutes(wildcards, attempt):
    """Run time to ask for: sizes of batches vary, by up to six times the mean and more."""
    return attempt * (60 + len(predict_batch(wildcards)) // 2)


def baselines(group):
    """The baselines that a group has: none where nobody trains."""
    return config["baselines"] if group in TO_TRAIN else []


def labelled(images):
    return [image for image in images if image.label]


# local(): a module's prefix is for what it makes, not for the images that it finds.
def image_files(images):
    return [local(image.path) for image in images]


def label_files(images):
    return [local(image.label) for image in labelled(images)]


def scored_batches(group, river=None):
    """Batches of a group (and river) that have labels to score maps by."""
    return [
        batch
        for batch, images in PREDICT_BATCHES[group].items()
        if river in (None, images[0].river) and labelled(images)
    ]


def rivers_of(group, batches):
    return sorted({PREDICT_BATCHES[group][batch][0].river for batch in batches})


def get_targets():
    targets = [f"{RESULTS}/preflight.csv"]
    if TUNING_ONLY:
        return targets + [f"{RESULTS}/{g}/model/{g}_tuning.png" for g in TO_TRAIN]
    targets += [f"{RESULTS}/{g}/model/{g}.onnx" for g in CAMPAIGN.groups]
    targets += [
        f"{RESULTS}/{g}/label_next/{g}_crops.png"
        for g, b in PREDICT_BATCHES.items()
        if b
    ]
    targets += [f"{RESULTS}/{g}/model/{g}_curves.png" for g in TO_TRAIN]
    targets += [f"{RESULTS}/report/compiled.csv", f"{RESULTS}/report/totals.html"]
    for group, found in PREDICT_BATCHES.items():
        targets += [f"{RESULTS}/{group}/figures/{batch}" for batch in found]
        for river in rivers_of(group, found):
            targets.append(f"{RESULTS}/report/panels/{group}/{river}")
        for river in rivers_of(group, scored_batches(group)):
            targets.append(f"{RESULTS}/report/violins/{group}/{river}.png")
    return targets


def repeat_problems():
    """What check_images found wrong, once more where a user looks: at the end."""
    found = Path("logs/check_images.log")
    of_this_run = found.is_file() and found.stat().st_mtime >= BEGUN
    problems = found.read_text().splitlines() if of_this_run else []
    print(*(p for p in problems if p.startswith("ERROR: ")), sep="\n", file=sys.stderr)
