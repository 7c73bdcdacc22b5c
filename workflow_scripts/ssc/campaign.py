"""Which images a campaign has, which CNN learns from and classifies which, and in what jobs.

Everything here comes from file names alone, so that a workflow of 100,000 images is planned
in seconds; what is inside the files is the business of `preflight`.
"""

import os
import re
import unicodedata
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

IMAGE_SUFFIXES = {".jpg", ".jpeg"}
LABEL_SUFFIXES = {".tif", ".tiff"}
IMAGE_NAME = re.compile(r"(?P<river>.+)_(?P<number>\d{4,})")
RESERVED_GROUPS = {"report", "training_colours", "training_tiles"}


@dataclass(frozen=True)
class Image:
    """An image `<river>_<number>.jpg` and, where there is one, its label raster."""

    river: str
    number: str
    path: str
    label: str | None = None

    @property
    def name(self) -> str:
        return f"{self.river}_{self.number}"


@dataclass(frozen=True)
class Group:
    """One CNN: the rivers that it learns from and the rivers that it classifies.

    `design` is what it is one of, in tables: `per_river`, `leave_one_river_out` or itself.
    A CNN that others trained has no `train` but the paths of its `model` and class `key`.
    """

    name: str
    train: tuple[str, ...]
    predict: tuple[str, ...]
    design: str
    model: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Campaign:
    """Images by name and CNNs by group name."""

    train: dict[str, Image]
    predict: dict[str, Image]
    groups: dict[str, Group]

    def train_images(self, group: str) -> list[Image]:
        return [i for i in self.train.values() if i.river in self.groups[group].train]


def read_campaign(
    train: str | Iterable[str], predict: str | Iterable[str], groups: str | Mapping | Sequence
) -> Campaign:
    """Find a campaign's images and labels by name and form its groups.

    Parameters
    ----------
    train, predict
        Folder or folders; `~` and environment variables are expanded. Every training image
        needs a label raster, `SCLS_<image>.tif` in any of the same folders. No training folder
        at all (an empty list) will do where all groups have a trained model.
    groups
        `per_river`, `leave_one_river_out`, `{name: {train: [river], predict: [river]}}` or
        `{name: {model: path, predict: [river]}}`, or a list of such.

    Raises
    ------
    InputError
        With every problem that names can show.
    """
    problems: list[str] = []
    train_images = _find_images("train", train, problems) if train else {}
    predict_images = _find_images("predict", predict, problems)
    for image in train_images.values():
        if image.label is None:
            problems.append(
                f"{image.path}: training image without labels; put SCLS_{image.name}.tif "
                "beside it, or move the image to a predict folder"
            )
    formed = _form_groups(
        groups,
        sorted({i.river for i in train_images.values()}),
        sorted({i.river for i in predict_images.values()}),
        problems,
    )
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return Campaign(train_images, predict_images, formed)


def batches(images: Iterable[Image], images_per_job: int) -> dict[str, list[Image]]:
    """Cut the images of each river, in order of name, into batches named by their first image.

    A batch begins where the checksum of an image's own name says so, on average at every
    `images_per_job`-th. The cuts do not depend on the other images: an image added later
    joins or splits one batch and leaves the rest as they were, however sparse the numbers.
    """
    cut: dict[str, list[Image]] = {}
    river = None
    for image in sorted(images, key=lambda i: (i.river, int(i.number), i.number)):
        starts = zlib.crc32(image.name.encode()) % images_per_job == 0
        if starts or image.river != river:
            river = image.river
            batch = cut[image.name] = []
        batch.append(image)
    return cut


def _find_images(role: str, folders: str | Iterable[str], problems: list[str]) -> dict[str, Image]:
    """Images of the folders by name, in order; what is wrong goes into `problems`."""
    images: dict[str, list[str]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    seen = len(problems)
    for folder in [folders] if isinstance(folders, str) else folders:
        for path in _list_folder(role, folder, problems):
            name = unicodedata.normalize("NFC", os.path.basename(path))
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in LABEL_SUFFIXES and stem.startswith("SCLS_"):
                labels[stem.removeprefix("SCLS_")].append(path)
            elif suffix.lower() in IMAGE_SUFFIXES:
                images[stem].append(path)

    found, claimed = {}, {}
    for stem in sorted(images):
        paths, match = images[stem], IMAGE_NAME.fullmatch(stem)
        if len(paths) > 1:
            problems.append(f"{' and '.join(paths)}: two files for one image; remove one")
        elif match is None or "{" in stem or "}" in stem:
            problems.append(
                f"{paths[0]}: not named RiverName_NNNN.jpg with a number of at least 4 digits "
                "and no braces; rename it"
            )
        else:
            river, number = match.groups()
            label = labels.get(stem, [])
            # The published labels lack the underscore before the number.
            if f"{river}{number}" not in images:
                label = label + labels.get(f"{river}{number}", [])
            if len(label) > 1:
                problems.append(f"{' and '.join(label)}: two labels for {stem}; remove one")
            for path in label:
                if path in claimed:
                    problems.append(
                        f"{path}: may belong to {claimed[path]} or {stem}; name it SCLS_<image>.tif"
                    )
                claimed[path] = stem
            found[stem] = Image(river, number, paths[0], label[0] if label else None)
    if not images and len(problems) == seen:
        problems.append(f"campaign.{role}: no image RiverName_NNNN.jpg in {folders}")
    return found


def _list_folder(role: str, folder: str, problems: list[str]) -> list[str]:
    expanded = expand(f"campaign.{role}", folder, problems)
    if expanded is None:
        return []
    if not expanded.is_dir():
        problems.append(f"campaign.{role}: folder {expanded} does not exist")
        return []
    # Hidden files: macOS leaves a ._ file beside each file that it copies.
    names = sorted(n for n in os.listdir(expanded) if not n.startswith("."))
    return [os.path.join(expanded, name) for name in names]


def expand(key: str, path: str, problems: list[str]) -> Path | None:
    """The path with `~` and environment variables filled in, or None and a problem more."""
    expanded = os.path.expanduser(os.path.expandvars(path))
    if "$" in expanded:
        problems.append(f"{key}: environment variable in {path} is not set; export it")
        return None
    return Path(expanded)


def _form_groups(
    spec: str | Mapping | Sequence, train: list[str], predict: list[str], problems: list[str]
) -> dict[str, Group]:
    specs = [spec] if isinstance(spec, str | Mapping) else spec
    groups = [group for s in specs for group in _form_design(s, train, predict, problems)]
    problems += [
        f"campaign.groups: a group may not be named {g.name}; results has a folder of that name"
        for g in groups
        if g.name in RESERVED_GROUPS
    ]
    problems += [
        f"campaign.groups: {n} groups are named {name}; rename your own"
        for name, n in Counter(g.name for g in groups).items()
        if n > 1
    ]
    return {g.name: g for g in groups}


def _form_design(
    spec: str | Mapping, train: list[str], predict: list[str], problems: list[str]
) -> list[Group]:
    if isinstance(spec, Mapping):
        return [_form_own(*item, train, predict, problems) for item in spec.items()]
    if not train:
        if not problems:
            problems.append(
                f"campaign.groups: {spec} has no training images to learn from; set "
                "campaign.train, or name a trained model in campaign.groups"
            )
        return []
    if spec == "per_river":
        problems += [
            f"campaign.groups: river {r} has images to classify but none to learn from; add "
            "labelled images to campaign.train, or name in campaign.groups the CNN that is to "
            "classify it"
            for r in predict
            if r not in train
        ]
        return [Group(r, (r,), (r,) if r in predict else (), spec) for r in train]
    problems += [
        f"campaign.groups: leave_one_river_out has no other river to learn from for {r}"
        for r in predict
        if train == [r]
    ]
    return [Group(f"without_{r}", tuple(t for t in train if t != r), (r,), spec) for r in predict]


def _form_own(
    name: str, spec: Mapping, train: list[str], predict: list[str], problems: list[str]
) -> Group:
    key = f"campaign.groups.{name}"
    if ("train" in spec) == ("model" in spec):
        problems.append(
            f"{key}: give either train, the rivers to learn from, or model, the file of a trained "
            "CNN"
        )
    rivers = {
        role: tuple(unicodedata.normalize("NFC", river) for river in spec.get(role, []))
        for role in ("train", "predict")
    }
    for role, known in (("train", train), ("predict", predict)):
        problems += [
            f"{key}.{role}: no images of river {r} in campaign.{role}; there are: "
            f"{', '.join(known) or 'none'}"
            for r in rivers[role]
            if r not in known
        ]
    if "model" not in spec:
        return Group(name, rivers["train"], rivers["predict"], name)
    default_key = str(Path(spec["model"]).with_suffix(".csv"))
    files = {"model": spec["model"], "key": spec.get("key", default_key)}
    paths = {role: expand(f"{key}.{role}", path, problems) for role, path in files.items()}
    problems += [
        f"{key}.{role}: no file {path}"
        for role, path in paths.items()
        if path and not path.is_file()
    ]
    return Group(name, (), rivers["predict"], name, str(paths["model"]), str(paths["key"]))
