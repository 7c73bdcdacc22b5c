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
from dataclasses import dataclass, replace

from .errors import InputError
from .groups import RESERVED_CHARACTERS, Group, expand_path, form_groups

IMAGE_SUFFIXES = {".jpg", ".jpeg"}
LABEL_SUFFIXES = {".tif", ".tiff", ".png"}
WORLD_FILE_SUFFIXES = {".jgw", ".jpgw", ".jpegw", ".wld"}
IMAGE_NAME = re.compile(r"(?P<river>.+)_(?P<number>\d{4,})")


@dataclass(frozen=True)
class Image:
    """An image `<river>_<number>.jpg`, its label raster and the files of its georeference.

    Attributes
    ----------
    river, number : str
        The parts of its name; the number has at least four digits.
    path : str
    label : str or None
        Path of the label raster.
    world_files : tuple of str
        Paths of world files and `.aux.xml` beside the image.
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
    def order(self) -> tuple[str, int, str]:
        """Key to sort images by."""
        return self.river, int(self.number), self.number


@dataclass(frozen=True)
class Campaign:
    """What a campaign has.

    Attributes
    ----------
    train, predict : dict of str to Image
        Images to learn from and to classify, by name, in order.
    groups : dict of str to Group
        CNNs by the name of their group.
    """

    train: dict[str, Image]
    predict: dict[str, Image]
    groups: dict[str, Group]

    def train_images(self, group: str) -> list[Image]:
        """Images that the CNN of a group learns from, in order."""
        rivers, held_out = self.groups[group].train, self.groups[group].held_out
        return [i for i in self.train.values() if i.river in rivers and i.name not in held_out]

    def held_out_images(self, group: str) -> list[Image]:
        """Training images that the CNN of a fold classifies, in order; none of other groups."""
        return [i for i in self.train.values() if i.name in self.groups[group].held_out]


def read_campaign(
    train: str | Iterable[str],
    predict: str | Iterable[str],
    groups: str | Mapping | Sequence,
    folds: int = 5,
    find_polygons: Callable[[Iterable[Image]], Mapping[str, str]] | None = None,
) -> Campaign:
    """Find a campaign's images and labels by name and form its groups.

    Parameters
    ----------
    train, predict : str or iterable of str
        Folder or folders; `~` and environment variables are expanded. Every training image
        needs a label raster, `SCLS_<image>.tif` in any of the same folders. No training folder
        at all (an empty list) will do where all groups have a trained model, and no folder to
        predict where all groups are folds of a cross-validation.
    groups : str, mapping or sequence
        `per_river`, `leave_one_river_out`, `cross_validation`, `{name: {train: [river], predict:
        [river]}}` or `{name: {model: path, predict: [river]}}`, or a list of such.
    folds : int
        Folds of a river in a cross-validation, two or more; a river of fewer training images has
        as many folds as images.
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
    train_images, train_unmatched = _find_images("train", train, problems) if train else ({}, [])
    predict_images, predict_unmatched = (
        _find_images("predict", predict, problems) if predict else ({}, [])
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
    for image in train_images.values():
        if not image.is_labelled:
            problems.append(
                f"{image.path}: training image without labels; put SCLS_{image.name}.tif beside "
                f"it{', draw polygons over it' if find_polygons else ''}, or move the image to a "
                "predict folder"
            )
    names: dict[str, list[str]] = defaultdict(list)
    for image in train_images.values():
        names[image.river].append(image.name)
    predict_rivers = sorted({i.river for i in predict_images.values()})
    formed = form_groups(groups, dict(names), predict_rivers, folds, problems)
    if problems:
        raise InputError(*dict.fromkeys(problems))
    return Campaign(train_images, predict_images, formed)


def batches(images: Iterable[Image], images_per_job: int) -> dict[str, list[Image]]:
    """Cut the images of each river, in order, into batches named by their first image.

    A batch begins where the checksum of an image's own name says so, on average at every
    `images_per_job`-th. The cuts do not depend on the other images: an image added later
    joins or splits one batch and leaves the rest as they were, however sparse the numbers.

    Parameters
    ----------
    images : iterable of Image
    images_per_job : int
        Mean number of images of a batch.

    Returns
    -------
    dict of str to list of Image
    """
    cut: dict[str, list[Image]] = {}
    river = None
    for image in sorted(images, key=lambda i: i.order):
        starts = zlib.crc32(image.name.encode()) % images_per_job == 0
        if starts or image.river != river:
            river = image.river
            batch = cut[image.name] = []
        batch.append(image)
    return cut


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
            status = os.stat(path)
            name = os.path.basename(path)
            digest.update(f"{name}|{status.st_size}|{status.st_mtime_ns}|".encode())
        digest.update(image.polygons.encode())
    return digest.hexdigest()[:16]


def _find_images(
    role: str, folders: str | Iterable[str], problems: list[str]
) -> tuple[dict[str, Image], list[str]]:
    """Images of the folders by name, in order, and labels of none of them.

    What is wrong goes into `problems`.
    """
    images: dict[str, list[str]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    world_files: dict[str, list[str]] = defaultdict(list)
    seen = len(problems)
    for folder in [folders] if isinstance(folders, str) else folders:
        for path in _list_folder(role, folder, problems):
            name = unicodedata.normalize("NFC", os.path.basename(path))
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in LABEL_SUFFIXES and stem.startswith("SCLS_"):
                labels[stem.removeprefix("SCLS_")].append(path)
            elif suffix.lower() in IMAGE_SUFFIXES:
                images[stem].append(path)
            elif suffix.lower() in WORLD_FILE_SUFFIXES:
                world_files[stem].append(path)
            elif name.endswith(".aux.xml"):
                world_files[os.path.splitext(name.removesuffix(".aux.xml"))[0]].append(path)

    named: list[Image] = []
    claimed: dict[str, str] = {}
    for stem in sorted(images):
        paths, match = images[stem], IMAGE_NAME.fullmatch(stem)
        if len(paths) > 1:
            problems.append(f"{' and '.join(paths)}: two files for one image; remove one")
        elif match is None or set(stem) & set(RESERVED_CHARACTERS):
            problems.append(
                f"{paths[0]}: not named RiverName_NNNN.jpg with a number of at least 4 digits "
                f"and none of {RESERVED_CHARACTERS}; rename it"
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
            label_path = label[0] if label else None
            named.append(Image(river, number, paths[0], label_path, tuple(world_files[stem])))
    unmatched = [
        path
        for stem, paths in labels.items()
        for path in paths
        if stem not in images and path not in claimed
    ]
    if not images and len(problems) == seen:
        problems.append(f"{role}: no image RiverName_NNNN.jpg in {folders}")
    return {image.name: image for image in sorted(named, key=lambda i: i.order)}, unmatched


def _list_folder(role: str, folder: str, problems: list[str]) -> list[str]:
    expanded = expand_path(role, folder, problems)
    if expanded is None:
        return []
    if not expanded.is_dir():
        problems.append(f"{role}: folder {expanded} does not exist")
        return []
    # Hidden files: macOS leaves a ._ file beside each file that it copies.
    names = sorted(n for n in os.listdir(expanded) if not n.startswith("."))
    return [os.path.join(expanded, name) for name in names]
