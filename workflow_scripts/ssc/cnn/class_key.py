"""The class key of a CNN: which of its outputs stands for which class of which river."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..classes import LandClass
from ..errors import InputError
from ..io.files import require_file
from ..io.tables import read_user_table

COLUMNS = ["LocalClass", "HierarchClass", "River", "ClassName"]
SEVERAL_RIVERS = "; "
MAX_KEY_BYTES = 10_000_000


def class_key(classes: Sequence[LandClass], rivers: Sequence[str], local: bool) -> pd.DataFrame:
    """Number the outputs of a CNN, in the columns of the published code.

    Parameters
    ----------
    classes : sequence of LandClass
        Classes that the CNN learns.
    rivers : sequence of str
        Rivers that it learns from.
    local : bool
        Whether each river has outputs of its own for all classes (Carbonneau et al. 2020), or
        all rivers share them.

    Returns
    -------
    pandas.DataFrame
        LocalClass (index of the output; 0 is unused), HierarchClass (class code), River (one, or
        all that share the output) and ClassName.
    """
    owners = rivers if local else [SEVERAL_RIVERS.join(rivers)]
    rows = [(c.code, owner, c.name) for owner in owners for c in classes]
    key = pd.DataFrame(rows, columns=["HierarchClass", "River", "ClassName"])
    key.insert(0, "LocalClass", range(1, len(key) + 1))
    return key


def key_outputs(key: pd.DataFrame, rivers: Sequence[str]) -> np.ndarray:
    """Look up the output that stands for each class of each river.

    Parameters
    ----------
    key : pandas.DataFrame
        From `class_key`.
    rivers : sequence of str
        n rivers of the key.

    Returns
    -------
    numpy.ndarray
        Index of the output by river and class code, int32 (n, 256); 0 where there is none.
    """
    outputs = np.zeros((len(rivers), 256), np.int32)
    for number, river in enumerate(rivers):
        own = key[[river in owner.split(SEVERAL_RIVERS) for owner in key["River"]]]
        outputs[number, own["HierarchClass"]] = own["LocalClass"]
    return outputs


def key_rivers(key: pd.DataFrame) -> set[str]:
    """Name the rivers that the CNN learned from; none where the key does not name them."""
    return {river for owner in key["River"].dropna() for river in owner.split(SEVERAL_RIVERS)}


def read_class_key(path: str | Path, classes: Sequence[LandClass], n_outputs: int) -> pd.DataFrame:
    """Read the class key of a CNN that others trained, and check it.

    The published code writes a first row for the unused output 0, and numbers as decimals.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of `class_key`; River and ClassName may be missing.
    classes : sequence of LandClass
        Classes that the key may name.
    n_outputs : int
        Number of outputs of the CNN, the unused output 0 included.

    Returns
    -------
    pandas.DataFrame
        As from `class_key`; River and ClassName are empty where the file has none.

    Raises
    ------
    InputError
        When the file is no class key, or does not go with the CNN or the classes.
    """
    require_file(path)
    if Path(path).stat().st_size > MAX_KEY_BYTES:
        raise InputError(f"{path}: larger than {MAX_KEY_BYTES} bytes, no class key; name another")
    try:
        key = read_user_table(path)
    # pandas also raises ValueError of its own at what is no table.
    except (ValueError, OverflowError, TypeError) as error:
        raise InputError(f"{path}: no class key, a CSV with {', '.join(COLUMNS)}") from error
    missing = [column for column in COLUMNS[:2] if column not in key]
    if missing:
        raise InputError(f"{path}: a class key needs the column(s) {', '.join(missing)}")
    key = key.reindex(columns=COLUMNS)[key["LocalClass"] != 0]
    key[COLUMNS[2:]] = key[COLUMNS[2:]].astype(object).fillna("")
    problems = [
        f"{path}: {column} holds values that are not whole numbers from 0 to 65535"
        for column in COLUMNS[:2]
        if not _are_codes(key[column])
    ]
    if problems:
        raise InputError(*problems)
    key = key.astype(dict.fromkeys(COLUMNS[:2], int)).reset_index(drop=True)
    outputs, codes = key["LocalClass"], key["HierarchClass"]
    known = [c.code for c in classes]
    if sorted(outputs) != list(range(1, n_outputs)):
        problems.append(
            f"{path}: LocalClass has to name each of the outputs 1 to {n_outputs - 1} of the CNN "
            f"once (output 0 is unused), but names {', '.join(map(str, outputs))}"
        )
    if unknown := sorted(set(codes) - set(known)):
        problems.append(
            f"{path}: HierarchClass {', '.join(map(str, unknown))} not among the classes "
            f"{', '.join(map(str, known))}; add them to the classes, or correct the key"
        )
    name_of = {c.code: c.name.casefold() for c in classes}
    for code, name in zip(codes, key["ClassName"], strict=True):
        if str(name).casefold() in {*name_of.values()} - {name_of.get(code)}:
            problems.append(
                f"{path}: calls class {code} {name}, but the classes call another one so; correct "
                "the key or the classes"
            )
    if problems:
        raise InputError(*problems)
    return key


def _are_codes(column: pd.Series) -> bool:
    values = pd.to_numeric(column, "coerce")
    return bool((values.between(0, 65535) & (values == values.round())).all())
