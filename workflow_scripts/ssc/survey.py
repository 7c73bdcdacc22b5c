"""What lies in the folders of a user, and which campaign it makes."""

import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from .campaign import (
    IMAGE_NAME,
    IMAGE_SUFFIXES,
    LABEL_PREFIX,
    LABEL_SUFFIXES,
    Image,
    Source,
    find_images,
)
from .classes import LandClass, label_codes
from .errors import InputError
from .io.datasets import RasterGeometry
from .io.rasters import read_geometry
from .preflight import LabelSources, check_image

ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("predict", "prediction", "test"), "predict"),
}
POLYGON_SUFFIXES = {".gpkg", ".geojson", ".shp", ".fgb"}
# Names of cameras, not of rivers: DJI_0012, IMG_0012, DSC_0012, DSC00012, P1010012.
CAMERA_NAME = re.compile(r"(DJI|IMG|DSC[A-Z]?|GOPR|PXL|MAX|P\d)(_|\d)\S*", re.IGNORECASE)
MOST_LEVELS = 3


@dataclass(frozen=True)
class Sources:
    """Where a campaign's files are, as a config names them.

    Attributes
    ----------
    train, predict : str, list of str, or dict
        Folder or folders; by river where the names of files do not tell it.
    polygons : list of str
        Files of polygons.
    """

    train: Source
    predict: Source
    polygons: list[str]


@dataclass
class Survey:
    """What is found.

    Attributes
    ----------
    sources : Sources
    train, predict : dict of str to Image
        By name, in order; images to learn from have labels.
    sizes : dict of str to RasterGeometry
        By path of the image.
    class_column : str
        Of the polygons.
    classes : dict of str to int
        Codes by what the labels say, for label rasters the codes themselves.
    pixels : dict of int to int
        Labelled pixels by code, of the images to learn from.
    problems, ignored : list of str, dict of str to str
        What cannot be used and why; what is no part of the campaign.
    """

    sources: Sources
    train: dict[str, Image] = field(default_factory=dict)
    predict: dict[str, Image] = field(default_factory=dict)
    sizes: dict[str, RasterGeometry] = field(default_factory=dict)
    class_column: str = ""
    classes: dict[str, int] = field(default_factory=dict)
    pixels: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)


def find_sources(places: Sequence[str]) -> Sources:
    """Tell which folders have images to learn from and to map.

    Where a place has folders called train and predict, only these count. All other folders are
    both: labelled images are learned from and all are mapped.

    Parameters
    ----------
    places : sequence of str
        Folders, searched with the folders in them.

    Returns
    -------
    Sources

    Raises
    ------
    InputError
        Where a folder is missing, or no folder has images.
    """
    folders: dict[str, list[str]] = {"train": [], "predict": []}
    polygons = []
    for place in places:
        if not os.path.isdir(place):
            raise InputError(f"{place}: no such folder; name the folder that has your images")
        walked = list(_walk(place))
        if any(_role(folder) for folder in walked):
            walked = [folder for folder in walked if folder == place or _role(folder)]
        for folder in walked:
            names = os.listdir(folder)
            polygons += [
                os.path.join(folder, name)
                for name in sorted(names)
                if os.path.splitext(name)[1].lower() in POLYGON_SUFFIXES
            ]
            if any(_is_image(name) or _is_label(name) for name in names):
                role = _role(folder)
                for own in [role] if role else folders:
                    folders[own].append(folder)
    if not any(folders.values()):
        raise InputError(
            f"{', '.join(places)}: no images in this folder or in those in it; images are "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return Sources(_by_river(folders["train"]), _by_river(folders["predict"]), polygons)


def survey(sources: Sources, classes: Sequence[LandClass]) -> Survey:
    """Look into all images and labels.

    Parameters
    ----------
    sources : Sources
    classes : sequence of LandClass
        Those that labels are expected to have.

    Returns
    -------
    Survey
    """
    found = Survey(sources)
    for role, of_role in (("train", sources.train), ("predict", sources.predict)):
        if of_role:
            images, _ = find_images(role, of_role, found.ignored, found.problems)
            setattr(found, role, images)
    found.problems = [re.sub(r"^(train|predict): ", "", problem) for problem in found.problems]
    found.problems = list(dict.fromkeys(found.problems))
    images = {i.path: i for i in (*found.predict.values(), *found.train.values())}
    for path in images:
        try:
            found.sizes[path] = read_geometry(path)
        except InputError as error:
            found.problems += error.problems
    sources_of_labels = _read_polygons(found, classes)
    found.train = {name: image for name, image in found.train.items() if image.is_labelled}
    _check_images(found, sources_of_labels)
    return found


def _read_polygons(found: Survey, classes: Sequence[LandClass]) -> LabelSources:
    """Read the polygons by the column and the classes that they have; mark what they label."""
    known = label_codes(classes, {})
    if not found.sources.polygons:
        return LabelSources()
    # Slow to import.
    from .io.polygon_files import find_class_column, read_polygons
    from .io.polygons import find_labelled_images

    usable: dict[str, tuple[str, list[str]]] = {}
    for path in found.sources.polygons:
        found.ignored.pop(path, None)
        try:
            find_labelled_images([read_polygons(path)], found.sizes)
            column, texts = find_class_column(path, known)
        except InputError as error:
            found.ignored[path] = error.problems[0].removeprefix(f"{path}: ")
            continue
        if texts:
            usable[path] = column, texts
        else:
            found.ignored[path] = "no column of classes; perhaps an area_of_interest"
    found.sources = replace(found.sources, polygons=list(usable))
    if not usable:
        return LabelSources()
    # A config names one column for all files.
    found.class_column = next(iter(usable.values()))[0]
    all_texts = sorted({text for _, texts in usable.values() for text in texts})
    codes = known
    if not set(all_texts) <= set(known):
        codes = {text: number for number, text in enumerate(all_texts, start=1)}
    found.classes = {text: codes[text] for text in all_texts if codes[text]}
    try:
        layers = [read_polygons(path, codes, found.class_column) for path in usable]
        checksums = find_labelled_images(layers, found.sizes)
    except InputError as error:
        found.problems += error.problems
        return LabelSources()
    for images in (found.train, found.predict):
        for name, image in images.items():
            images[name] = replace(image, polygons=checksums.get(image.path, ""))
    return LabelSources(codes, layers)


def _check_images(found: Survey, sources: LabelSources) -> None:
    """Check images as the workflow does, and count what labels have, whatever their codes."""
    of_polygons = bool(found.classes)
    to_learn_from = {image.path for image in found.train.values()}
    images = {i.path: i for i in (*found.predict.values(), *found.train.values())}

    def check(image: Image) -> dict:
        with TemporaryDirectory() as folder:
            target = nullcontext(Path(folder, "labels.tif"))
            return check_image(image, "train", range(1, 256), None, sources, target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for image, row in zip(images.values(), pool.map(check, images.values()), strict=True):
            found.problems += filter(None, row["problem"].split("; "))
            for code in map(int, row["classes"].split()):
                if not of_polygons:
                    found.classes[str(code)] = code
                if image.path in to_learn_from:
                    found.pixels[code] = found.pixels.get(code, 0) + row[f"pixels_{code}"]


def _walk(place: str) -> Iterable[str]:
    """The folder and those in it, in order, without hidden ones and results of a campaign."""
    for folder, inner, names in os.walk(place):
        depth = len(Path(folder).relative_to(place).parts)
        is_results = "preflight.csv" in names
        inner[:] = sorted(n for n in inner if n[0] != "." and not is_results)
        if depth >= MOST_LEVELS or is_results:
            inner.clear()
        if not is_results:
            yield folder


def _role(folder: str) -> str | None:
    return ROLES.get(Path(folder).resolve().name.casefold())


def _is_label(name: str) -> bool:
    stem, suffix = os.path.splitext(name)
    return suffix.lower() in LABEL_SUFFIXES and stem.startswith(LABEL_PREFIX)


def _is_image(name: str) -> bool:
    is_raster = os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
    return is_raster and name[0] != "." and not _is_label(name)


def _by_river(folders: list[str]) -> Source:
    """The folders, by river where most names do not tell it; one folder as a text."""
    names = [name for folder in folders for name in os.listdir(folder) if _is_image(name)]
    stems = [os.path.splitext(name)[0] for name in names]
    n_named = sum(
        bool(IMAGE_NAME.fullmatch(stem)) and not CAMERA_NAME.fullmatch(stem) for stem in stems
    )
    if n_named > len(stems) / 2 or not folders:
        return folders[0] if len(folders) == 1 else folders
    rivers: dict[str, list[str]] = {}
    for folder in folders:
        path = Path(folder).resolve()
        river = path.parent.name if _role(folder) else path.name
        rivers.setdefault(river, []).append(folder)
    return {river: own[0] if len(own) == 1 else own for river, own in rivers.items()}
