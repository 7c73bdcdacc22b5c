"""Write a config file for folders of images: python workflow_scripts/init.py FOLDER.

It looks into all images and labels, says what it finds in comments, and proposes what to learn from
and what to map.
"""

import argparse
import os
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from config_reading import complete_config
from progress import training_seconds
from ssc.campaign import Image
from ssc.classes import LandClass, read_classes
from ssc.errors import InputError
from ssc.numbers import count, describe_duration
from ssc.survey import Survey, find_sources, survey

# Measured for docs/performance.md, in seconds of one core: a megapixel to map by both phases, and
# the scores and figures of an image.
SECONDS_OF_MEGAPIXEL, SECONDS_OF_IMAGE = 1.2, 1
# Of results.
MEGABYTES_OF_MEGAPIXEL, MEGABYTES_OF_IMAGE = 1.4, 1
# Of classes that have no colour of their own.
COLOURS = ["teal", "goldenrod", "darkgreen", "khaki", "firebrick", "slateblue", "sienna", "hotpink"]
MOST_LISTED = 20
# Labelled images for a CNN with which self-training was found to help (docs/accuracy.md).
FEW_LABELLED = 8


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="images, and labels if any")
    parser.add_argument("--config", metavar="FILE", help="to write; by default FOLDER.yaml")
    args = parser.parse_args()
    # Few photographs have a georeference.
    warnings.filterwarnings("ignore", "Dataset has no geotransform")
    name = re.sub(r"[^\w.-]+", "_", Path(args.folders[0]).resolve().name) or "campaign"
    target = Path(args.config or f"{name}.yaml")
    try:
        if target.exists():
            raise InputError(
                f"{target}: is there already; remove it, or give --config another name"
            )
        defaults = complete_config()
        found = survey(find_sources(args.folders), read_classes(defaults["classes"]))
        text = write_config(found, defaults, target.stem)
        with open(target, "x", encoding="utf-8") as file:
            file.write(text)
    except InputError as error:
        sys.exit("\n".join(f"ERROR: {problem}" for problem in error.problems))
    print(*(line for line in text.splitlines() if line.startswith("#")), sep="\n")
    if found.problems or not found.train:
        sys.exit(f"\nWritten: {target}. It cannot run yet: see above.")
    print(f"\nWritten: {target}. Read it, then:")
    print(f"    snakemake --configfile {target} --cores {os.cpu_count()} --resources gpu=1")


def write_config(found: Survey, defaults: Mapping[str, Any], name: str) -> str:
    """Write the config file of what was found.

    Parameters
    ----------
    found : Survey
    defaults : mapping
        A config with nothing else.
    name : str
        Of the folder of results.

    Returns
    -------
    str
        YAML with comments.
    """
    known = read_classes(defaults["classes"])
    classes = propose_classes(found, known)
    sources = found.sources
    campaign = {"train": sources.train, "predict": sources.predict}
    if not found.train:
        del campaign["train"]
    if sources.polygons:
        campaign["labels"] = sources.polygons
        if found.class_column.casefold() != "class":
            campaign["class_column"] = found.class_column
    rivers = {role: rivers_of(getattr(found, role)) for role in ("train", "predict")}
    if rivers["train"] and not set(rivers["predict"]) <= set(rivers["train"]):
        campaign["groups"] = {"all_rivers": rivers}
    config = {"campaign": campaign, "results": f"results/{name}", "experiment": name}
    if classes != known:
        config["classes"] = {c.code: {"name": c.name, "colour": c.colour} for c in classes}
    lines = [
        "# A campaign proposed by workflow_scripts/init.py. All keys: config/README.md.",
        *("# " + line if line else "#" for line in describe(found, classes, defaults["cnn"])),
    ]
    # What fits into a line is in one.
    style = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": 1000}
    text = yaml.safe_dump(config, **style)
    return "\n".join([*lines, "", text])


def rivers_of(images: Mapping[str, Image]) -> list[str]:
    """Rivers of images, in order."""
    return list(dict.fromkeys(image.river for image in images.values()))


def propose_classes(found: Survey, known: list[LandClass]) -> list[LandClass]:
    """The default classes if they have all codes of the labels, else the classes of the labels."""
    by_code = {c.code: c for c in known}
    names = {text for text in found.classes if not text.isdecimal()}
    is_known = names <= {c.name.casefold() for c in known}
    if is_known and set(found.classes.values()) <= set(by_code):
        return known
    colours = iter(COLOURS * 32)
    proposed = []
    for text, code in sorted(found.classes.items(), key=lambda item: item[1]):
        if is_known and code in by_code:
            proposed.append(by_code[code])
        else:
            label = f"Class {code}" if text.isdecimal() else text.capitalize()
            proposed.append(LandClass(code, label, next(colours)))
    return proposed


def describe(found: Survey, classes: list[LandClass], cnn: Mapping[str, Any]) -> Iterator[str]:
    """Lines on images, labels, what will be done and what cannot be used."""
    yield from ("", "Images:")
    yield from (f"  {line}" for line in describe_rivers(found))
    yield from ("", *describe_labels(found, classes))
    yield from ("", *describe_work(found, cnn))
    for title, lines in (
        ("Cannot be used; correct these before the run:", found.problems),
        ("Not used:", [f"{path}: {reason}" for path, reason in found.ignored.items()]),
    ):
        if lines:
            yield from ("", title)
            yield from (f"  {line}" for line in lines[:MOST_LISTED])
            if len(lines) > MOST_LISTED:
                yield f"  ... and {len(lines) - MOST_LISTED} more"


def describe_rivers(found: Survey) -> Iterator[str]:
    """A line for each river: its images, their sizes and georeference."""
    paths = defaultdict(set)
    for image in (*found.train.values(), *found.predict.values()):
        paths[image.river].add(image.path)
    learn = Counter(image.river for image in found.train.values())
    to_map = Counter(image.river for image in found.predict.values())
    for river, of_river in paths.items():
        sizes = [found.sizes[path] for path in sorted(of_river) if path in found.sizes]
        shapes = Counter(f"{size.width} x {size.height} px" for size in sizes)
        shape, n = next(iter(shapes.most_common(1)), ("", 0))
        others = " and other sizes" if n < len(sizes) else ""
        yield (
            f"{river}: {count(len(of_river), 'image')}, {learn[river]} to learn from, "
            f"{to_map[river]} to map; {shape}{others}; {georeference(sizes)}"
        )


def georeference(sizes) -> str:
    """The coordinate reference system and the size of a pixel of most images."""
    systems = Counter(
        f"{size.crs.to_string()[:40]}, pixels of {abs(size.transform.a):.3g} "
        f"{'degrees' if size.crs.is_geographic else 'm'}"
        if size.crs
        else ("no georeference" if size.transform.is_identity else "a world file without CRS")
        for size in sizes
    )
    return next(iter(systems.most_common(1)), ("unknown", 0))[0]


def describe_labels(found: Survey, classes: list[LandClass]) -> Iterator[str]:
    """Which classes the labels to learn from have."""
    if not found.train:
        yield "No labels: a CNN has nothing to learn from. Label some images (config/README.md), or"
        yield "map them by a trained CNN: groups: {old: {model: path/to/cnn.h5, predict: [RIVER]}}"
        return
    total = max(sum(found.pixels.values()), 1)
    kinds = [
        f"polygons in {', '.join(found.sources.polygons)}" if found.sources.polygons else "",
        "label rasters" if any(image.label for image in found.train.values()) else "",
    ]
    yield f"Labels: {' and '.join(filter(None, kinds))}. Labelled pixels to learn from:"
    for c in classes:
        n = found.pixels.get(c.code, 0)
        none = "" if n else "; the CNN cannot map it"
        yield f"  {c.code} {c.name}: {n:,} ({n / total:.1%}){none}"


def describe_work(found: Survey, cnn: Mapping[str, Any]) -> Iterator[str]:
    """What will be learned and mapped, and what it takes."""
    rivers, to_map = rivers_of(found.train), rivers_of(found.predict)
    shared = not set(to_map) <= set(rivers)
    if rivers:
        seconds = training_seconds(cnn["steps"], cnn["batch_size"], cnn["patch_size"])
        train = describe_duration((1 if shared else len(rivers)) * seconds)
        which = "one CNN, which maps all rivers," if shared else "one CNN for each river"
        yield f"To train {which} takes about {train} of one core."
    sizes = [found.sizes[i.path] for i in found.predict.values() if i.path in found.sizes]
    megapixels = sum(size.width * size.height for size in sizes) / 1e6
    mapping = megapixels * SECONDS_OF_MEGAPIXEL + len(sizes) * SECONDS_OF_IMAGE
    disk = megapixels * MEGABYTES_OF_MEGAPIXEL + len(sizes) * MEGABYTES_OF_IMAGE
    yield f"To map {count(len(sizes), 'image')} of {megapixels:.1f} megapixels in all takes about"
    yield f"{describe_duration(mapping)} of one core; all cores share it. Results: {disk:,.0f} MB."
    learned = {image.path for image in found.train.values()}
    others = [image for image in found.predict.values() if image.path not in learned]
    if rivers and others and len(learned) <= FEW_LABELLED * (1 if shared else len(rivers)):
        yield "Few labels: this line lets the CNN learn from the images to map as well:"
        yield "  cnn: {steps: 100, self_training_steps: 100}"
    scored = [image for image in others if image.is_labelled]
    if learned and not scored and not shared:
        yield "No labels are left to score maps by. In campaign, the line"
        yield "  groups: [per_river, cross_validation]"
        yield "scores them honestly, by five more CNNs for each river."


if __name__ == "__main__":
    main()
