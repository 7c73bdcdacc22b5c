"""Groups: which CNN learns from and classifies which rivers."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

# Snakemake gives these a meaning of its own in paths.
RESERVED_CHARACTERS = "{}<>"
# Folders of the results that are of no group, and the design of which the report says more.
RESERVED_GROUPS = {
    *("check", "colour_counts", "labels", "logs", "report", "cross_validation"),
    *("preflight.csv", "training_labels.csv"),
}
# The names of results are longer, and most file systems allow 255.
MAX_NAME_BYTES = 200
# Snakemake takes them for a loop.
REPEATS = re.compile(r"(.+?)\1{19}$", re.DOTALL)


def find_name_fault(name: str) -> str:
    """Say why results cannot be named after a river, an image or a group.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        What is wrong with it; "" for nothing.
    """
    if set(name) & set(RESERVED_CHARACTERS):
        return f"has one of {RESERVED_CHARACTERS} in its name"
    if "/" in name or name in ("", ".", ".."):
        return "has / in its name, or is empty or a dot"
    # Control characters, what is no Unicode, and separators of lines.
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        return "has a line break, control character or byte that is no letter in its name"
    if REPEATS.search(name):
        return "ends with 20 or more repeats in its name"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has a name of more than {MAX_NAME_BYTES} bytes"
    return ""


def find_case_faults(names: Iterable[str]) -> list[str]:
    """Find names that differ in nothing but case or Unicode form: some disks take them for one.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    list of str
        A sentence for each set of them.
    """
    alike: dict[str, set[str]] = defaultdict(set)
    for name in names:
        alike[unicodedata.normalize("NFC", name).casefold()].add(name)
    return [
        f"{' and '.join(map(printable, sorted(same)))}: differ in upper and lower case only; "
        "rename one"
        for same in alike.values()
        if len(same) > 1
    ]


def printable(name: str) -> str:
    """A name as messages show it, with escapes for what no terminal shows."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


@dataclass(frozen=True)
class Group:
    """One CNN: the rivers that it learns from and the rivers that it classifies.

    Attributes
    ----------
    name : str
    train, predict : tuple of str
        Rivers to learn from and to classify.
    design : str
        The experiment that it is part of: `per_river`, `leave_one_river_out`, `cross_validation`
        or its own name.
    model : str or None
        Path of a CNN that others trained; then `train` is empty.
    start_from : str or None
        Path of a trained CNN whose weights the CNN of the group starts with.
    key : str or None
        Path of the class key of either.
    held_out : frozenset of str
        Fold of a cross-validation: names of training images that it does not learn from but
        classifies. Then `predict` is empty.
    block : tuple of int or None
        Number and count of the blocks of the only image that is held out, where just one of them
        is: from 1, along the longer side.
    seed : int
        Seed of its random numbers.
    repeats : str or None
        Name of the group that it repeats with another seed.
    """

    name: str
    train: tuple[str, ...]
    predict: tuple[str, ...]
    design: str
    model: str | None = None
    start_from: str | None = None
    key: str | None = None
    held_out: frozenset[str] = frozenset()
    block: tuple[int, int] | None = None
    seed: int = 0
    repeats: str | None = None

    @property
    def pool(self) -> str:
        """Name that its scores are reported under: all folds of a river share one.

        So do groups that differ in their seed only; reports give each seed a row of its own.
        """
        return f"{self.train[0]}_{self.design}" if self.held_out else self.repeats or self.name


def form_groups(
    spec: str | Mapping | Sequence,
    train: Mapping[str, Sequence[str]],
    predict: Sequence[str],
    folds: int,
    seeds: Sequence[int],
    problems: list[str],
) -> dict[str, Group]:
    """Form the groups of a campaign by name, once for each seed.

    Those of the first seed have plain names; others are named `<group>_seed_<seed>`.

    Parameters
    ----------
    spec : str, mapping or sequence
        As for `read_campaign`.
    train : mapping of str to sequence of str
        By river: names of its images to learn from, in order.
    predict : sequence of str
        Rivers with images to classify.
    folds : int
    seeds : sequence of int
        As for `read_campaign`.
    problems : list of str
        Gets what is wrong.

    Returns
    -------
    dict of str to Group
    """
    specs = [spec] if isinstance(spec, str | Mapping) else spec
    groups = [group for s in specs for group in _form_design(s, train, predict, folds, problems)]
    problems += [
        f"groups: a group may not be named {g.name}; the results use this name; choose another"
        for g in groups
        if g.name in RESERVED_GROUPS
    ]
    problems += [
        f"groups: {printable(g.name)} {fault}; rename it"
        for g in groups
        if (fault := find_name_fault(g.name))
    ]
    problems += [f"groups: {fault}" for fault in find_case_faults(g.name for g in groups)]
    groups = [replace(g, seed=seeds[0]) for g in groups]
    repeated = [
        replace(g, name=f"{g.name}_seed_{seed}", seed=seed, repeats=g.name)
        for seed in seeds[1:]
        for g in groups
    ]
    names = [*(g.name for g in groups), *{g.pool for g in groups if g.held_out}]
    names += {g.name for g in repeated}
    problems += [
        f"groups: {n} groups are named {name}; rename your own"
        for name, n in Counter(names).items()
        if n > 1
    ]
    return {g.name: g for g in (*groups, *repeated)}


def _form_design(
    spec: str | Mapping,
    train: Mapping[str, Sequence[str]],
    predict: Sequence[str],
    folds: int,
    problems: list[str],
) -> list[Group]:
    if isinstance(spec, Mapping):
        return [_custom_group(*item, train, predict, problems) for item in spec.items()]
    missing = []
    if not train:
        missing.append(
            f"groups: {spec} has no training images to learn from; set train, or name a trained "
            "model in groups"
        )
    if not predict and spec != "cross_validation":
        missing.append(
            f"groups: {spec} has no images to classify; set predict, or choose cross_validation, "
            "which classifies the training images"
        )
    if missing:
        # Faults of the folders themselves say more.
        if not problems:
            problems += missing
        return []
    if spec == "cross_validation":
        return [fold for item in train.items() for fold in _form_folds(*item, folds)]
    if spec == "per_river":
        problems += [
            f"groups: river {r} has images to classify but none to learn from; add labelled images "
            "to train, or name in groups the CNN that is to classify it"
            for r in predict
            if r not in train
        ]
        return [Group(r, (r,), (r,) if r in predict else (), spec) for r in train]
    problems += [
        f"groups: leave_one_river_out has no other river to learn from for {r}"
        for r in predict
        if [*train] == [r]
    ]
    return [Group(f"without_{r}", tuple(t for t in train if t != r), (r,), spec) for r in predict]


def _form_folds(river: str, images: Sequence[str], folds: int) -> Iterator[Group]:
    """Cut a river's training images into folds of neighbours, of sizes as equal as can be.

    An image that is the only one, such as an orthomosaic, is cut into blocks.
    """
    if len(images) == 1:
        for number in range(1, folds + 1):
            fold = Group(f"{river}_fold_{number}", (river,), (), "cross_validation")
            yield replace(fold, held_out=frozenset(images), block=(number, folds))
        return
    n = min(folds, len(images))
    cuts = [number * len(images) // n for number in range(n + 1)]
    for number, (start, stop) in enumerate(pairwise(cuts), start=1):
        held_out = frozenset(images[start:stop])
        name = f"{river}_fold_{number}"
        yield Group(name, (river,), (), "cross_validation", held_out=held_out)


def _custom_group(
    name: str,
    spec: Mapping,
    train: Collection[str],
    predict: Collection[str],
    problems: list[str],
) -> Group:
    key = f"groups.{name}"
    if ("train" in spec) == ("model" in spec):
        problems.append(
            f"{key}: give either train, the rivers to learn from, or model, the file of a trained "
            "CNN"
        )
    if "start_from" in spec and "train" not in spec:
        problems.append(f"{key}: start_from goes with train, the rivers to learn from")
    rivers = {
        role: tuple(unicodedata.normalize("NFC", river) for river in spec.get(role, []))
        for role in ("train", "predict")
    }
    for role, known in (("train", train), ("predict", predict)):
        problems += [
            f"{key}.{role}: no images of river {r} in {role}; there are: "
            f"{', '.join(known) or 'none'}"
            for r in rivers[role]
            if r not in known
        ]
    trained = next((part for part in ("model", "start_from") if part in spec), None)
    if trained is None:
        return Group(name, rivers["train"], rivers["predict"], name)
    default_key = str(Path(spec[trained]).with_suffix(".csv"))
    files: dict[str, str] = {trained: spec[trained], "key": spec.get("key", default_key)}
    paths = {part: expand_path(f"{key}.{part}", path, problems) for part, path in files.items()}
    problems += [
        f"{key}.{part}: no file {path}"
        for part, path in paths.items()
        if path and not path.is_file()
    ]
    return Group(
        name,
        rivers["train"],
        rivers["predict"],
        name,
        model=str(paths["model"]) if trained == "model" else None,
        start_from=str(paths["start_from"]) if trained == "start_from" else None,
        key=str(paths["key"]),
    )


def expand_path(key: str, path: str, problems: list[str]) -> Path | None:
    """Fill in `~` and environment variables.

    Parameters
    ----------
    key : str
        What the path is of, to begin a message with.
    path : str
    problems : list of str
        Gets what is wrong.

    Returns
    -------
    pathlib.Path or None
        None where a variable is not set.
    """
    expanded = os.path.expanduser(os.path.expandvars(path))
    if "$" in expanded:
        problems.append(f"{key}: environment variable in {path} is not set; export it")
        return None
    return Path(expanded)
