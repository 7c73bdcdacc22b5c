"""Config, discovery of images, and the input functions of all rules."""

import csv
import os
import re
import sys
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import validate
from workflow_scripts import config_reading, progress, results, terminal
from workflow_scripts.code_digest import digest_code
from workflow_scripts.ssc import campaign
from workflow_scripts.ssc.classes import label_codes, read_classes
from workflow_scripts.ssc.errors import InputError, SettingError
from workflow_scripts.ssc.groups import expand_path
from workflow_scripts.ssc.io.files import (
    find_folder_fault,
    find_input_fault,
    is_remote,
    name_damaged_result,
)
from workflow_scripts.ssc.numbers import count

# A job ends with the process that runs it: job.py.
os.environ.update(SNAKEMAKE_PID=str(os.getpid()))

# Not workflow.basedir, which is that of a workflow that imports this one as a module.
SCRIPTS = Path(campaign.__file__).parents[1]
SCHEMA = workflow.source_path("../config/config.schema.yaml")


# A file given with --configfile stands alone; without one it is the sample campaign.
SAMPLE_CONFIG = "config/config.yaml"
IS_SAMPLE = "campaign" not in config and not workflow.overwrite_configfiles
if workflow.is_main_process:
    config_files = [SAMPLE_CONFIG] if IS_SAMPLE else workflow.overwrite_configfiles
    if problems := [
        p for f in config_files for p in config_reading.find_file_problems(f)
    ]:
        raise WorkflowError("\n".join(["The config has errors:", *problems]))
if IS_SAMPLE:

    configfile: SAMPLE_CONFIG


def read_config():
    with open(SCHEMA, encoding="utf-8") as file:
        problems = config_reading.find_problems(config, yaml.safe_load(file))
    if problems:
        raise WorkflowError("\n".join(["The config has errors:", *problems]))
    validate(config, SCHEMA)
    problems = config_reading.find_conflicts(config)
    results_folder = expand_path("results", config["results"], problems)
    if results_folder and workflow.is_main_process:
        folders = (Path(), results_folder, results_folder / "logs")
        # One fault shows in all folders below it.
        problems += list(filter(None, map(find_folder_fault, folders)))[:1]
    weights = config["cnn"].get("weights")
    if weights not in (None, "imagenet"):
        weights = expand_path("cnn.weights", weights, problems)
        if weights and not weights.is_file():
            problems.append(
                f"cnn.weights: no file {weights}; give imagenet, null or a weights file"
            )
        config["cnn"]["weights"] = str(weights)
    read_answer_paths(results_folder, problems)
    if problems:
        raise WorkflowError("\n".join(["The config has errors:", *problems]))
    return str(results_folder)


def expand_paths(key, paths, problems):
    """Paths of the files of a key of the config, of one or of a list of them."""
    expanded = [
        expand_path(key, path, problems)
        for path in ([paths] if isinstance(paths, str) else paths)
    ]
    return [path for path in expanded if path]


def read_answer_paths(results_folder, problems):
    """Check the files of answered check points: a list from now on, and not among the results."""
    key, answers = "check_points.answers", config["check_points"]["answers"]
    paths = expand_paths(key, answers, problems)
    for path in paths:
        if not path.is_file():
            problems.append(
                f"{key}: no file {path}; name the file that has your answers"
            )
        elif results_folder and results_folder.resolve() in path.resolve().parents:
            problems.append(
                f"{key}: {path} is removed when points are drawn anew; move it out "
                "of the results"
            )
    config["check_points"]["answers"] = [str(path) for path in paths]


def polygon_files(key):
    """Paths of the files of a key of campaign, none where it is not set."""
    problems = []
    paths = expand_paths(f"campaign.{key}", config["campaign"][key] or [], problems)
    if problems:
        raise WorkflowError("\n".join(["The config has errors:", *problems]))
    return [str(path) for path in paths]


def read_campaign():
    keys = ("train", "predict", "groups", "folds")
    settings = config["campaign"]
    try:
        codes = label_codes(read_classes(config["classes"]), settings["remap"])
        # Slow to import, and few campaigns have polygons; jobs need not look again.
        if AREA_FILE and workflow.is_main_process:
            from workflow_scripts.ssc.io.polygon_files import read_polygons

            read_polygons(*AREA_FILE)
        find = partial(find_polygons, codes=codes) if POLYGON_FILES else None
        read = campaign.read_campaign(
            *(settings[key] for key in keys), SEEDS, find_polygons=find
        )
        if workflow.is_main_process:
            files = {
                file
                for image in (*read.train.values(), *read.predict.values())
                for file in (image.path, image.label, *image.world_files)
                if file and not is_remote(file)
            }
            if faults := set(map(find_input_fault, files)) - {""}:
                raise InputError(*sorted(faults))
        return read
    except SettingError as error:
        problems = [f"campaign.{error}"]
    except InputError as error:
        problems = [
            re.sub(r"^(train|predict|groups)\b", r"campaign.\1", problem)
            for problem in error.problems
        ]
    raise WorkflowError("\n".join(["The campaign has errors:", *problems]))


def find_polygons(images, codes):
    """Checksums of the polygons over images, by path; jobs take what the main process found."""
    table = Path(f"{RESULTS}/labels/polygons.csv")
    if workflow.is_main_process or not table.exists():
        from workflow_scripts.ssc.io.polygon_files import read_polygons
        from workflow_scripts.ssc.io.polygons import find_labelled_images
        from workflow_scripts.ssc.io.rasters import read_geometry

        column = config["campaign"]["class_column"]
        layers = [read_polygons(path, codes, column) for path in POLYGON_FILES]
        geometries = {image.path: read_geometry(image.path) for image in images}
        found = find_labelled_images(layers, geometries)
        table.parent.mkdir(parents=True, exist_ok=True)
        with (
            results.atomic_path(table) as path,
            open(path, "w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows(found.items())
    with open(table, newline="", encoding="utf-8") as file:
        return dict(csv.reader(file))


RESULTS = read_config()
SEEDS = config["seed"] if isinstance(config["seed"], list) else [config["seed"]]
LOGS = f"{RESULTS}/logs"
POLYGON_FILES = polygon_files("labels")
AREA_FILE = polygon_files("area_of_interest")
CAMPAIGN = read_campaign()
# A shapefile is of several files.
for file in (*POLYGON_FILES, *AREA_FILE):
    for path in [p for p in CAMPAIGN.ignored if Path(p).stem == Path(file).stem]:
        del CAMPAIGN.ignored[path]
UNET = config["cnn"]["architecture"] == "unet"
TUNING_ONLY = config["cnn"].get("tuning", {}).get("only", False)
# A new colour repeats only what draws it.
CLASS_NAMES = {code: {"name": c["name"]} for code, c in config["classes"].items()}

GROUPS_TO_TRAIN = [g.name for g in CAMPAIGN.groups.values() if not g.model]
TRAINED_GROUPS = [g.name for g in CAMPAIGN.groups.values() if g.model]
# Groups of the first seed by the name that their scores are reported under: all folds of a river
# are one.
POOLS = {
    pool: [group.name for group in groups]
    for pool, groups in groupby(
        (group for group in CAMPAIGN.groups.values() if not group.repeats),
        attrgetter("pool"),
    )
}
# Images to learn from by river, and images to classify by the batch that one job takes.
TRAIN_IMAGES = {
    river: [image for image in CAMPAIGN.train.values() if image.river == river]
    for river in sorted({image.river for image in CAMPAIGN.train.values()})
}
IMAGES_PER_JOB = config["campaign"]["images_per_job"]
if IMAGES_PER_JOB == "auto":
    IMAGES_PER_JOB = None
WHITE_LEVEL = config["campaign"]["white_level"]
BATCHES = campaign.batches(CAMPAIGN.predict.values(), IMAGES_PER_JOB)
# Only a group and a batch together are unique: an image of a fold may have a namesake to predict.
GROUP_BATCHES = {
    name: {
        batch: images
        for batch, images in BATCHES.items()
        if images[0].river in group.predict
    }
    | campaign.batches(CAMPAIGN.held_out_images(name), IMAGES_PER_JOB)
    for name, group in CAMPAIGN.groups.items()
}
# Not folds: their maps are for scores, and show what is labelled already.
PREDICT_GROUPS = [
    name
    for name, batches in GROUP_BATCHES.items()
    if batches and not CAMPAIGN.groups[name].held_out
]
# Other seeds are for the spread of scores and areas: what is to look at is of the first.
SHOWN_GROUPS = [name for name in PREDICT_GROUPS if not CAMPAIGN.groups[name].repeats]

# The folder of each stage's maps, in the order of the stages.
REFINED_STAGE = {"mlp": "MLP", "rf": "RF", "none": None}[config["refine"]["method"]]
STAGES = {"CNN": "cnn"} | ({REFINED_STAGE: "maps"} if REFINED_STAGE else {})
FINAL_STAGE, FINAL_FOLDER = [*STAGES.items()][-1]
# What the names of files in the folders of a group begin with.
RESULT_PREFIXES = {
    "cnn": ["CNN", "confidence", "probabilities"],
    "maps": [REFINED_STAGE, "confidence"] if REFINED_STAGE else [],
    "baselines": config["baselines"],
    "scores": [*config["baselines"], *STAGES, "reliability"],
    "figures": ["", "thumbnail"],
    "polygons": [""] if config["polygons"]["write"] else [],
}


def forget_damaged_batches():
    """Remove the record of a batch of which a file is gone or has another size than when made.

    Snakemake looks at the record only: without it the batch is planned anew.
    """
    folders = {"labels/train": TRAIN_IMAGES, "labels/predict": BATCHES}
    for group, batches in GROUP_BATCHES.items():
        folders |= {f"{group}/{folder}": batches for folder in RESULT_PREFIXES}
    for folder, batches in folders.items():
        for batch in batches:
            record = Path(f"{RESULTS}/{folder}/batches/{batch}.csv")
            if record.exists() and not results.is_complete(record):
                record.unlink()
