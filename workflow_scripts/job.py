"""What every job does around its work: log, keep to its threads, report faults."""

import csv
import errno
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import chain
from typing import IO

import cv2

from settings import CONFIG_KEYS
from ssc.errors import InputError, SettingError
from ssc.io.files import read_result

# What a user can do about errors of the operating system.
REMEDIES = {
    errno.ENOSPC: "free some space, or set results to another disk",
    errno.EDQUOT: "free some space, or set results to another disk",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
    errno.EROFS: "set results to a folder that can be written to",
    errno.EACCES: "change its permissions",
    errno.EPERM: "change its permissions",
    errno.ENAMETOOLONG: "shorten the names of folders, rivers and images",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "check the disk, or copy the files anew",
    errno.ESTALE: "check the network disk, and run again",
    errno.ENOMEM: "close other programs, or give the job more memory",
    errno.EISDIR: "remove this folder",
    errno.ENOTDIR: "remove the file that stands for a folder",
    errno.ENOENT: "was it removed meanwhile? Run again",
}


def explain_system_error(error: OSError | MemoryError) -> str | None:
    """Say in one sentence what the operating system refused, and the remedy.

    Parameters
    ----------
    error : OSError or MemoryError

    Returns
    -------
    str or None
        None for an error that is not the user's.
    """
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs, or give the job more"
    if error.errno == errno.ENOENT and "temporary directory" in str(error):
        return "no folder for temporary files can be written to; free space, or set TMPDIR"
    if error.errno not in REMEDIES:
        return None
    what = f"{error.filename}: " if error.filename else ""
    return f"{what}{os.strerror(error.errno)}; {REMEDIES[error.errno]}"


@contextmanager
def run_job(snakemake) -> Iterator[None]:
    """Run a job: all that it says goes to its log file, and a fault ends it with status 1.

    The terminal shows the lines of the log that begin with FOUND, WARNING or ERROR (`terminal.py`).

    A fault that the user can correct is reported by its message, any other with its traceback.

    Parameters
    ----------
    snakemake
        The job.

    Raises
    ------
    SystemExit
        After a fault.
    """
    threading.Thread(target=end_with_snakemake, daemon=True).start()
    # Snakemake itself limits OpenMP and BLAS; ONNX Runtime, scikit-learn, Keras get it as settings.
    cv2.setNumThreads(snakemake.threads)
    with open(snakemake.log[0], "w", encoding="utf-8", buffering=1) as log, redirect_output(log):
        handler = logging.StreamHandler(log)
        handler.setFormatter(ImageFormatter())
        logging.basicConfig(level=logging.INFO, handlers=[handler])
        # What GDAL has to say comes with the exception, and few photographs have a georeference.
        logging.getLogger("rasterio").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        try:
            checks = (snakemake.input.get(name, []) for name in ("check", "unlabelled_check"))
            stop_on_failed_check(*checks)
            yield
        except SettingError as error:
            logging.error("ERROR: %s: %s", CONFIG_KEYS[error.setting], error.problem)
            sys.exit(1)
        except InputError as error:
            for problem in error.problems:
                logging.error("ERROR: %s", problem)
            sys.exit(1)
        except Exception as error:
            is_of_system = isinstance(error, OSError | MemoryError)
            if is_of_system and (problem := explain_system_error(error)):
                logging.error("ERROR: %s", problem)
                sys.exit(1)
            logging.exception("ERROR: this should not happen; please report it with this traceback")
            sys.exit(1)


def end_with_snakemake() -> None:
    """End this process once its Snakemake was killed: the next one begins the same job anew."""
    # Not the parent: it may be a shell, or be gone before this process can ask for it.
    pid = int(os.environ["SNAKEMAKE_PID"])
    try:
        while True:
            os.kill(pid, 0)
            time.sleep(0.5)
    except ProcessLookupError:
        os._exit(1)


class ImageFormatter(logging.Formatter):
    """Puts the image that a job is at into warnings that do not name it."""

    image = ""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno == logging.WARNING and self.image not in text:
            text = text.replace("WARNING: ", f"WARNING: {self.image}: ", 1)
        return text


@contextmanager
def redirect_output(log: IO) -> Iterator[None]:
    """Send all output of the process to a file, also that of libraries in other languages."""
    streams = sys.stdout, sys.stderr
    descriptors = 1, 2
    before = [os.dup(descriptor) for descriptor in descriptors]
    for descriptor in descriptors:
        os.dup2(log.fileno(), descriptor)
    sys.stdout = sys.stderr = log
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for descriptor, copy in zip(descriptors, before, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)


def stop_on_failed_check(*checks: str | Sequence[str]) -> None:
    """Refuse to go on where `check_images` found a problem with what this job reads.

    Parameters
    ----------
    *checks : str or sequence of str
        Paths of its tables.

    Raises
    ------
    InputError
        With all problems.
    """
    problems = []
    for path in chain.from_iterable([c] if isinstance(c, str) else c for c in checks):
        table = csv.DictReader(StringIO(read_result(path), newline=""))
        problems += [row["problem"] for row in table if row["problem"]]
    if problems:
        raise InputError(*problems)


def log_progress(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Log each image of a batch as it is begun; warnings until the next name it.

    Yields
    ------
    (int, str)
        Its number, from 0, and its name.
    """
    for number, name in enumerate(names):
        ImageFormatter.image = ""
        logging.info("%s (%d of %d)", name, number + 1, len(names))
        ImageFormatter.image = name
        yield number, name
    ImageFormatter.image = ""
