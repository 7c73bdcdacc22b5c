"""What keeps a file or folder from being used, found before it is."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

# In seconds, between the clocks of disks and computers.
CLOCK_ERROR = 60
# What helps against damage to a file that the workflow wrote.
REMAKE = "delete it and run again"


def is_remote(path: str) -> bool:
    """Whether GDAL opens it by another way than as a file of this machine."""
    return "://" in path or path.startswith("/vsi")


def find_path_fault(path: str | Path) -> str:
    """Say why a path is no file that can be opened; opening a pipe would wait for ever.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    str
        With the path and the remedy; "" where nothing is wrong.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            return f"{path}: a link to a file that does not exist; correct or remove it"
        return f"{path}: no such file; correct its path"
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror}); correct or remove it"
    if stat.S_ISDIR(status.st_mode):
        return f"{path}: is a folder, not a file; rename or remove it"
    if not stat.S_ISREG(status.st_mode):
        return f"{path}: is a pipe, socket or device, not a file; remove it"
    if not os.access(path, os.R_OK):
        return f"{path}: no permission to read it; change its permissions"
    return ""


def find_file_fault(path: str | Path) -> str:
    """As `find_path_fault`; the file must not be empty either."""
    if fault := find_path_fault(path):
        return fault
    return "" if os.stat(path).st_size else f"{path}: is empty; copy it anew, or remove it"


def find_input_fault(path: str | Path) -> str:
    """As `find_path_fault`; the time of an input must not lie in the future either.

    Snakemake would take each result for older than it, and remove the result.
    """
    if fault := find_path_fault(path):
        return fault
    if os.stat(path).st_mtime > time.time() + CLOCK_ERROR:
        return f"{path}: its time lies in the future; correct it (touch) or the clock"
    return ""


def require_file(path: str | Path) -> None:
    """Refuse what is no file that can be read; the InputError is that of `find_file_fault`."""
    if fault := find_file_fault(path):
        raise InputError(fault)


@contextmanager
def name_damaged_result(path: str | Path) -> Iterator[None]:
    """Make any error while a file is read that the workflow wrote an InputError.

    It was complete when it was written: what cannot be read now was damaged since.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        # These have messages of their own.
        if isinstance(error, OSError) and error.errno:
            raise
        raise InputError(f"{path}: was damaged after it was made; {REMAKE}") from error


def read_result(path: str | Path) -> str:
    """Read a text that the workflow wrote, which ends with a line break if it is whole.

    Raises
    ------
    InputError
        When it was damaged after it was made.
    """
    # Line breaks stay as they are: names may have some.
    with name_damaged_result(path), open(path, encoding="utf-8", newline="") as file:
        text = file.read()
        if not text.endswith("\n"):
            raise ValueError("cut short")
        return text


def find_folder_fault(path: str | Path) -> str:
    """Say why nothing can be written into a folder, which need not exist yet.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    str
        With the path and the remedy; "" where nothing is wrong.
    """
    folder = Path(path).absolute()
    while not os.path.lexists(folder):
        try:
            os.stat(folder)
        except FileNotFoundError:
            folder = folder.parent
        except OSError as error:
            return f"{path}: no folder of this name is possible ({error.strerror}); choose another"
    if not folder.is_dir():
        return f"{path}: {folder} is not a folder; remove it, or choose another"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{path}: no permission to write in {folder}; change it, or choose another"
    return ""
