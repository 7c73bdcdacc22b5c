"""What every job does around its work: keep to its threads, log, leave whole outputs only."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from ssc.errors import InputError


@contextmanager
def job(snakemake) -> Iterator[None]:
    """Keep to the rule's threads; log to its log file and the terminal; end a fault with status 1.

    A fault that the user can mend is told in its own words, any other with its traceback.
    """
    # Snakemake itself limits OpenMP and BLAS; ONNX Runtime, scikit-learn, Keras are told theirs.
    cv2.setNumThreads(snakemake.threads)
    logging.basicConfig(
        level=logging.INFO,
        format="%(message)s",
        handlers=[logging.FileHandler(snakemake.log[0], encoding="utf-8"), logging.StreamHandler()],
    )
    try:
        yield
    except InputError as error:
        for problem in error.problems:
            logging.error("ERROR: %s", problem)
        sys.exit(1)
    except Exception:
        logging.exception("ERROR: this should not happen; please report it with this traceback")
        sys.exit(1)


@contextmanager
def whole(path: str) -> Iterator[Path]:
    """A path to write to that takes the place of `path` once all of it is written."""
    target = Path(path)
    part, old = (target.with_name(f".part-{word}{target.name}") for word in ("", "old-"))
    remove(part)
    remove(old)
    yield part
    if target.is_dir():
        # No folder takes the place of another, and a kill may come while one is removed.
        os.replace(target, old)
    os.replace(part, target)
    remove(old)


@contextmanager
def whole_folder(path: str) -> Iterator[Path]:
    """A new folder to write to that becomes `path` once all is in it."""
    with whole(path) as part:
        part.mkdir(parents=True)
        yield part


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def progress(names: list[str]) -> Iterator[tuple[int, str]]:
    """Number and name of each image of a batch, told as it is begun."""
    for number, name in enumerate(names):
        logging.info("%s (%d of %d)", name, number + 1, len(names))
        yield number, name
