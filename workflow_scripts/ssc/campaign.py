"""Which images a campaign has, which CNN learns from and classifies which, and in what jobs.

Everything here comes from file names alone, so that a workflow of 100,000 images is planned
in seconds; `preflight` looks into the files.
"""

import hashlib
import os
import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .errors import InputError
from .groups import (
    RESERVED_CHARACTERS,
    Group,
    expand_path,
    find_case_faults,
    find_name_fault,
    form_groups,
    printable,
)
from .io.files import is_remote

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".jp2", ".vrt"}
LABEL_SUFFIXES = {".tif", ".tiff", ".png"}
LABEL_PREFIX = "SCLS_"
# Of the files beside an image that GDAL reads with it.
WORLD_FILE_SUFFIXES = {
    *(".jgw", ".jpgw", ".jpegw", ".pgw", ".pngw", ".tfw", ".tifw", ".tiffw", ".j2w", ".wld")
}
SIDECAR_SUFFIXES = (".aux.xml", ".ovr", ".msk")
# Of batches whose size is not given; larger ones save no more and leave cores idle.
MOST_IMAGES_PER_JOB = 64
IMAGE_NAME = re.compile(r"(?P<river>.+)_(?P<number>\d{4,})")

Source = str | Iterable[str] | Mapping[str, str | Iterable[str]]


@dataclass(frozen=True)
class Image:
    """An image, its label raster and the files of its georeference.

    Attributes
    ----------
    river : str
    number : str
        What tells it from the other images of the river: the number of `<river>_<number>.jpg`, or
        the name of a file of any other name.
    path : str
        Of a file, or what else GDAL opens by name.
    label : str or None
        Path of the label raster.
    world_files : tuple of str
        Paths of the files beside the image that GDAL reads with it, such as world files.
    polygons : str
        Checksum of the polygons that label it, "" for none.
    """

    river: str
    number: str
    path: str
    label: str | None = None
    world_files: tuple[str, ...] = ()
    polygons: str = ""

    @property
    def is_labelled(self) -> bool:
        return bool(self.label or self.polygons)

    @property
    def name(self) -> str:
        return f"{self.river}_{self.number}"

    @property
    def order(self) -> tuple[str, list[str | int], str]:
        """Key to sort images by: numbers within a name count as numbers."""
        parts = re.split(r"(\d+)", self.number)
        numbers = [int(part) if part.isdecimal() else part for part in parts]
        return self.river, numbers, self.number

    @property
    def is_file(self) -> bool:
        """Whether it is a file of this machine."""
        return not is_remote(self.path)


@dataclass(frozen=True)
class Campaign:
    """What a campaign has.

    Attributes
    ----------
    train, predict : dict of str to Image
        Images to learn from and to classify, by name, in order.
    groups : dict of str to Group
        CNNs by the name of their group.
    ignored : dict of str to str
        Files in the folders that are no part of the campaign, with the reason.
    """

    train: dict[str, Image]
    predict: dict[str, Image]
    groups: dict[str, Group]
    ignored: dict[str, str] = field(default_factory=dict)

    def train_images(self, group: str) -> list[Image]:
        """Images that the CNN of a group learns from, or from parts of, in order."""
        own = self.groups[group]
        held_out = frozenset() if own.block else own.held_out
        return [i for i in self.train.values() if i.river in own.train and i.name not in held_out]

    def held_out_images(self, group: str) -> list[Image]:
        """Training images that the CNN of a fold classifies, in order; none of other groups."""
        return [i for i in self.train.values() if i.name in self.groups[group].held_out]


def read_campaign(
    train: Source,
    predict: Source,
    groups: str | Mapping | Sequence,
    folds: int = 5,
    seeds: Sequence[int] = (42,),
    find_polygons: Callable[[Iterable[Image]], Mapping[str, str]] | None = None,
) -> Campaign:
    """Find a campaign's images and labels by name and form its groups.

    Parameters
    ----------
    train, predict : str, iterable of str, or mapping
        Folder or folders of images named `<river>_<number>`; `~` and environment variables are
        expanded. Or folders and files of images of any name, by river. Every training image needs
        a label raster, `SCLS_<image>.tif` in any of the same folders; an image without one that is
        also to be predicted is no training image. No training folder at all (an empty list) will
        do where all groups have a trained model, and no folder to predict where all groups are
        folds of a cross-validation.
    groups : str, mapping or sequence
        `per_river`, `leave_one_river_out`, `cross_validation`, `{name: {train: [river], predict:
        [river]}}` or `{name: {model: path, predict: [river]}}`, or a list of such.
    folds : int
        Folds of a river in a cross-validation, two or more; a river of fewer training images has
        as many folds as images.
    seeds : sequence of int
        Seeds of random numbers: each group is formed once for each.
    find_polygons : callable, optional
        From images to checksums of the polygons over them, by path of the images that have some.

    Returns
    -------
    Campaign
        Images in the order of river and number.

    Raises
    ------
    InputError
        With every problem that names can show; one of an argument begins with its name.
    """
    problems: list[str] = []
    ignored: dict[str, str] = {}
    (train_images, train_unmatched), (predict_images, predict_unmatched) = (
        find_images(role, sources, ignored, problems) if sources else ({}, [])
        for role, sources in (("train", train), ("predict", predict))
    )
    if find_polygons and not problems:
        found = find_polygons([*train_images.values(), *predict_images.values()])
        for images in (train_images, predict_images):
            for image in images.values():
                images[image.name] = replace(image, polygons=found.get(image.path, ""))
        problems += [
            f"{image.path}: has a label raster, and polygons lie over it; remove one of them"
            for image in (*train_images.values(), *predict_images.values())
            if image.label and image.polygons
        ]
    # One folder may hold the labels of both roles.
    matched = {i.label for i in (*train_images.values(), *predict_images.values())}
    problems += [
        f"{path}: labels of an image that is not among the {role} images; name it "
        "SCLS_<image>.tif, or remove it"
        for role, paths in (("train", train_unmatched), ("predict", predict_unmatched))
        for path in paths
        if path not in matched
    ]
    to_predict = {image.path for image in predict_images.values()}
    unlabelled = [image for image in train_images.values() if not image.is_labelled]
    problems += [
        f"{image.path}: training image without labels; put {LABEL_PREFIX}{image.name}.tif beside "
        f"it{', draw polygons over it' if find_polygons else ''}, or move the image to a predict "
        "folder"
        for image in unlabelled
        if image.path not in to_predict
    ]
    train_images = {name: i for name, i in train_images.items() if i.is_labelled}
    if unlabelled and not train_images and not problems:
        problems.append(f"train: no image in {_describe(train)} has labels; label some")
    names: dict[str, list[str]] = defaultdict(list)
    for image in train_images.values():
        names[image.river].append(image.name)
    predict_rivers = sorted({i.river for i in predict_images.values()})
    rivers = {*names, *predict_rivers}
    problems += find_case_faults(rivers) or find_case_faults({*train_images, *predict_images})
    formed = form_groups(groups, dict(names), predict_rivers, folds, seeds, problems)
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return Campaign(train_images, predict_images, formed, ignored)


def batches(images: Iterable[Image], images_per_job: int | None = None) -> dict[str, list[Image]]:
    """Cut the images of each river, in order, into batches named by their first image.

    A batch begins where the checksum of an image's own name says so, on average at every
    `images_per_job`-th. The cuts do not depend on the other images: an image added later
    joins or splits one batch and leaves the rest as they were, however sparse the numbers.

    Parameters
    ----------
    images : iterable of Image
    images_per_job : int, optional
        Mean number of images of a batch. Without it the mean grows along the river, so that few
        images keep all cores busy and many make few jobs: it is a quarter of the number of images
        before, rounded down to a power of two, and at most 64. An image added later also moves
        the images at which the mean doubles, which changes one more batch at most at each.

    Returns
    -------
    dict of str to list of Image
    """
    cut: dict[str, list[Image]] = {}
    river, position = None, 0
    for image in sorted(images, key=lambda i: i.order):
        if image.river != river:
            river, position = image.river, 0
        mean = images_per_job or _growing_mean(position)
        if position == 0 or zlib.crc32(image.name.encode()) % mean == 0:
            batch = cut[image.name] = []
        batch.append(image)
        position += 1
    return cut


def _growing_mean(position: int) -> int:
    """Mean number of images of a batch at an image that so many of its river come before."""
    quarter = max(position // 4, 1)
    return min(1 << quarter.bit_length() - 1, MOST_IMAGES_PER_JOB)


def files_digest(images: Iterable[Image]) -> str:
    """Checksum of the names, sizes and times of the files of images, and of their polygons.

    It also tells files apart that were replaced by older ones.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for image in images:
        for path in filter(None, (image.path, image.label, *image.world_files)):
            if is_remote(path):
                digest.update(path.encode())
                continue
            status = os.stat(path)
            name = os.path.basename(path)
            digest.update(f"{name}|{status.st_size}|{status.st_mtime_ns}|".encode())
        digest.update(image.polygons.encode())
    return digest.hexdigest()[:16]


@dataclass
class _Files:
    """Files of some folders by the stem of their name; labels that an image has are claimed."""

    images: dict[str, list[str]]
    labels: dict[str, list[str]]
    world_files: dict[str, list[str]]
    others: list[str]
    claimed: set[str] = field(default_factory=set)


def find_images(
    role: str, sources: Source, ignored: dict[str, str], problems: list[str]
) -> tuple[dict[str, Image], list[str]]:
    """Find the images of some sources, and their labels, by name.

    Parameters
    ----------
    role : str
        `train` or `predict`, to begin a message with.
    sources : str, iterable of str, or mapping
        As for `read_campaign`.
    ignored : dict of str to str
        Gets the files that are no part of a campaign, with the reason.
    problems : list of str
        Gets what is wrong.

    Returns
    -------
    dict of str to Image
        By name, in order.
    list of str
        Label rasters of none of them.
    """
    seen = len(problems)
    images: list[Image] = []
    unmatched: list[str] = []
    by_river = sources if isinstance(sources, Mapping) else {None: sources}
    for river, places in by_river.items():
        files = _list_files(role, [places] if isinstance(places, str) else [*places], problems)
        ignored |= dict.fromkeys(files.others, "neither an image nor a label raster")
        if river is None:
            named = _images_of_many_rivers(files, ignored, problems)
        else:
            river = unicodedata.normalize("NFC", river)
            if fault := find_name_fault(river):
                problems.append(f"{role}: river {printable(river)} {fault}; rename it")
                continue
            named = _images_of_river(river, files, problems)
        unmatched += [
            path
            for stem, paths in files.labels.items()
            for path in paths
            if path not in files.claimed and stem not in files.images
        ]
        images += named
    if not images and len(problems) == seen:
        problems.append(
            f"{role}: no image RiverName_NNNN.jpg in {_describe(sources)}; for files of other "
            f"names give the river: {role}: {{River: folder}}"
        )
    return {image.name: image for image in sorted(images, key=lambda i: i.order)}, unmatched


def _images_of_many_rivers(
    files: _Files, ignored: dict[str, str], problems: list[str]
) -> list[Image]:
    """Images that are named by river and number."""
    images: list[Image] = []
    owners: dict[str, str] = {}
    for stem in sorted(files.images):
        paths, match = files.images[stem], IMAGE_NAME.fullmatch(stem)
        is_photograph = paths[0].lower().endswith((".jpg", ".jpeg"))
        if match is None and not is_photograph:
            ignored |= dict.fromkeys(paths, "not named RiverName_NNNN")
        elif len(paths) > 1:
            problems.append(f"{' and '.join(paths)}: two files for one image; remove one")
        elif fault := match and find_name_fault(stem):
            problems.append(f"{printable(paths[0])}: {fault}; rename it")
        elif match is None:
            problems.append(
                f"{printable(paths[0])}: not named RiverName_NNNN.jpg with a number of at least 4 "
                f"digits and none of {RESERVED_CHARACTERS}; rename it"
            )
        else:
            river, number = match.groups()
            labels = files.labels.get(stem, [])
            # The published labels lack the underscore before the number.
            if f"{river}{number}" not in files.images:
                labels = labels + files.labels.get(f"{river}{number}", [])
            label = _one_label(stem, labels, files, problems)
            if label in owners:
                problems.append(
                    f"{label}: may belong to {owners[label]} or {stem}; name it SCLS_<image>.tif"
                )
            elif label:
                owners[label] = stem
            images.append(Image(river, number, paths[0], label, tuple(files.world_files[stem])))
    return images


def _images_of_river(river: str, files: _Files, problems: list[str]) -> list[Image]:
    """Images of one river, of any name; those of one name in two folders are told apart."""
    images = []
    for stem in sorted(files.images):
        paths = files.images[stem]
        folders = [os.path.basename(os.path.dirname(path)) for path in paths]
        if len(set(folders)) < len(paths):
            problems.append(f"{' and '.join(paths)}: two files for one image; remove one")
            continue
        for path, folder in zip(paths, folders, strict=True):
            number = stem.removeprefix(f"{river}_")
            if len(paths) > 1:
                number = f"{folder}_{number}"
            if fault := find_name_fault(f"{river}_{number}"):
                problems.append(f"{printable(path)}: {fault}; rename it, or its river")
                continue
            labels = files.labels.get(stem, [])
            world_files = files.world_files[stem]
            if len(paths) > 1:
                beside = os.path.dirname(path)
                labels, world_files = (
                    [file for file in found if os.path.dirname(file) == beside]
                    for found in (labels, world_files)
                )
            label = _one_label(stem, labels, files, problems)
            images.append(Image(river, number, path, label, tuple(world_files)))
    return images


def _one_label(stem: str, labels: Sequence[str], files: _Files, problems: list[str]) -> str | None:
    files.claimed.update(labels)
    if len(labels) > 1:
        problems.append(f"{' and '.join(labels)}: two labels for {stem}; remove one")
    return labels[0] if labels else None


def _list_files(role: str, places: Sequence[str], problems: list[str]) -> _Files:
    """Files of folders, and files that are named themselves, sorted by what they are."""
    files = _Files(defaultdict(list), defaultdict(list), defaultdict(list), [])
    named = defaultdict(list)
    for place in places:
        expanded = os.path.expanduser(os.path.expandvars(place))
        named[expanded if is_remote(place) else os.path.realpath(expanded)].append(place)
    problems += [
        f"{role}: {' = '.join(dict.fromkeys(same))} is named {len(same)} times; name it once"
        for same in named.values()
        if len(same) > 1
    ]
    for place, *_ in named.values():
        for path, is_named in _list_place(role, place, problems):
            name = unicodedata.normalize("NFC", os.path.basename(path))
            stem, suffix = os.path.splitext(name)
            suffix = suffix.lower()
            if suffix in LABEL_SUFFIXES and stem.startswith(LABEL_PREFIX):
                files.labels[stem.removeprefix(LABEL_PREFIX)].append(path)
            elif suffix in IMAGE_SUFFIXES or is_named:
                files.images[stem].append(path)
            elif owner := next(
                (name.removesuffix(s) for s in SIDECAR_SUFFIXES if name.endswith(s)), ""
            ):
                files.world_files[os.path.splitext(owner)[0]].append(path)
            elif suffix in WORLD_FILE_SUFFIXES:
                files.world_files[stem].append(path)
            else:
                files.others.append(path)
    return files


def _list_place(role: str, place: str, problems: list[str]) -> list[tuple[str, bool]]:
    """Paths of a folder, or of one file; whether each was named by the user."""
    if is_remote(place):
        return [(place, True)]
    expanded = expand_path(role, place, problems)
    if expanded is None:
        return []
    if expanded.is_file():
        # What lies beside it may belong to it.
        stem = os.path.splitext(expanded.name)[0]
        beside = (
            (os.path.join(expanded.parent, name), name == expanded.name)
            for name in sorted(os.listdir(expanded.parent))
            if name.removeprefix(LABEL_PREFIX).startswith(f"{stem}.")
        )
        return [(path, named) for path, named in beside if named or not _is_image(path)]
    if not expanded.is_dir():
        problems.append(f"{role}: folder {expanded} does not exist")
        return []
    # Hidden files: macOS leaves a ._ file beside each file that it copies.
    try:
        names = sorted(n for n in os.listdir(expanded) if not n.startswith("."))
    except OSError as error:
        problems.append(f"{role}: folder {expanded} cannot be read ({error.strerror})")
        return []
    return [(os.path.join(expanded, name), False) for name in names]


def _is_image(path: str) -> bool:
    name = os.path.basename(path)
    is_raster = os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
    return is_raster and not name.startswith(LABEL_PREFIX)


def _describe(sources: Source) -> str:
    places = sources.values() if isinstance(sources, Mapping) else sources
    return sources if isinstance(sources, str) else ", ".join(map(str, places))
