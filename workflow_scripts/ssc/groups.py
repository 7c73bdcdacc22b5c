"""Groups: which CNN learns from and classifies which rivers."""

import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Snakemake gives these a meaning of its own in paths.
RESERVED_CHARACTERS = "{}<>"
# Folders of the results that are of no group.
RESERVED_GROUPS = {"check", "colour_counts", "logs", "report"}


@dataclass(frozen=True)
class Group:
    """One CNN: the rivers that it learns from and the rivers that it classifies.

    Attributes
    ----------
    name : str
    train, predict : tuple of str
        Rivers to learn from and to classify.
    design : str
        The experiment that it is part of: `per_river`, `leave_one_river_out` or its own name.
    model, key : str or None
        Paths of a CNN that others trained and of its class key; then `train` is empty.
    """

    name: str
    train: tuple[str, ...]
    predict: tuple[str, ...]
    design: str
    model: str | None = None
    key: str | None = None


def form_groups(
    spec: str | Mapping | Sequence, train: list[str], predict: list[str], problems: list[str]
) -> dict[str, Group]:
    """Form the groups of a campaign by name.

    Parameters
    ----------
    spec : str, mapping or sequence
        As for `read_campaign`.
    train, predict : list of str
        Rivers with images to learn from and to classify.
    problems : list of str
        Gets what is wrong.

    Returns
    -------
    dict of str to Group
    """
    specs = [spec] if isinstance(spec, str | Mapping) else spec
    groups = [group for s in specs for group in _form_design(s, train, predict, problems)]
    problems += [
        f"groups: a group may not be named {g.name}; results has a folder of that name"
        for g in groups
        if g.name in RESERVED_GROUPS
    ]
    problems += [
        f"groups: the name {g.name} has one of {RESERVED_CHARACTERS}; rename it"
        for g in groups
        if set(g.name) & set(RESERVED_CHARACTERS)
    ]
    problems += [
        f"groups: {n} groups are named {name}; rename your own"
        for name, n in Counter(g.name for g in groups).items()
        if n > 1
    ]
    return {g.name: g for g in groups}


def _form_design(
    spec: str | Mapping, train: list[str], predict: list[str], problems: list[str]
) -> list[Group]:
    if isinstance(spec, Mapping):
        return [_custom_group(*item, train, predict, problems) for item in spec.items()]
    if not train:
        if not problems:
            problems.append(
                f"groups: {spec} has no training images to learn from; set train, or name a "
                "trained model in groups"
            )
        return []
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
        if train == [r]
    ]
    return [Group(f"without_{r}", tuple(t for t in train if t != r), (r,), spec) for r in predict]


def _custom_group(
    name: str, spec: Mapping, train: list[str], predict: list[str], problems: list[str]
) -> Group:
    key = f"groups.{name}"
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
            f"{key}.{role}: no images of river {r} in {role}; there are: "
            f"{', '.join(known) or 'none'}"
            for r in rivers[role]
            if r not in known
        ]
    if "model" not in spec:
        return Group(name, rivers["train"], rivers["predict"], name)
    default_key = str(Path(spec["model"]).with_suffix(".csv"))
    files: dict[str, str] = {"model": spec["model"], "key": spec.get("key", default_key)}
    paths = {role: expand_path(f"{key}.{role}", path, problems) for role, path in files.items()}
    problems += [
        f"{key}.{role}: no file {path}"
        for role, path in paths.items()
        if path and not path.is_file()
    ]
    return Group(name, (), rivers["predict"], name, str(paths["model"]), str(paths["key"]))


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
