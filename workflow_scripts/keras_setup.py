"""How a job uses Keras: threads, GPU, precision, and what it trains."""

import fcntl
import logging
import os
import tempfile
import warnings
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import IO

from results import label_files
from settings import read_settings
from ssc.errors import InputError

GPU_DEVICES = Path("/proc/driver/nvidia/gpus")


def set_up_keras(threads: int) -> None:
    """Keep TensorFlow to a job's threads and quiet; to be called before Keras is imported.

    Parameters
    ----------
    threads : int
    """
    os.environ |= {
        # What is an error to a user comes as an exception.
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # By default only for some processors, yet others train up to twice as fast with it as well.
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        # Else TensorFlow takes all memory of a card that others may share.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    # An old NumPy name that Keras looks for as it exports.
    warnings.filterwarnings("ignore", category=FutureWarning, module="keras")
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    logging.getLogger("absl").setLevel(logging.ERROR)


def claim_gpu() -> IO | None:
    """Take the first GPU of a workstation that no other training job has taken.

    Snakemake counts GPUs but names none. A cluster does: then CUDA_VISIBLE_DEVICES is set, and
    nothing is done.

    Returns
    -------
    file or None
        Open; it holds the claim as long as it is referenced.
    """
    if "CUDA_VISIBLE_DEVICES" in os.environ or not GPU_DEVICES.is_dir():
        return None
    for number, _ in enumerate(sorted(GPU_DEVICES.iterdir())):
        path = Path(tempfile.gettempdir()) / f"ssc_gpu_{number}.lock"
        if not path.exists():
            path.touch()
        # Not to be written: the file may be another user's.
        claim = path.open()
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        os.environ |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(number)}
        return claim
    return None


def check_gpu(allow_cpu_fallback: bool) -> None:
    """Refuse to train on the CPU where a cluster (or the user) gave the job a GPU.

    Parameters
    ----------
    allow_cpu_fallback : bool

    Raises
    ------
    InputError
        When CUDA_VISIBLE_DEVICES names a GPU, Keras sees none, and `allow_cpu_fallback` is false.
    """
    import keras

    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if given in ("", "-1") or allow_cpu_fallback or keras.distribution.list_devices("gpu"):
        return
    raise InputError(
        f"this job was given a GPU (CUDA_VISIBLE_DEVICES={given}) that {keras.backend.backend()} "
        "does not see; install tensorflow[and-cuda] in the environment of the jobs and check "
        "nvidia-smi on the machine, or set allow_cpu_fallback to true to train on the CPU"
    )


def choose_dtype_policy(mixed_precision: bool, encoder: str | None) -> str:
    """Choose the Keras dtype policy that trains fastest: 16 bits where the hardware computes so.

    Parameters
    ----------
    mixed_precision : bool
        Whether 16 bits may be used.
    encoder : str or None
        Of the U-Net; None for a tile CNN.

    Returns
    -------
    str
        `float32`, `mixed_float16` or `mixed_bfloat16`.
    """
    import keras

    if not mixed_precision:
        return "float32"
    if keras.distribution.list_devices("gpu"):
        return "mixed_float16"
    cpu = Path("/proc/cpuinfo")
    # Others gain nothing on a CPU: depthwise convolutions are slower in 16 bits there.
    if encoder == "plain" and cpu.is_file() and "avx512_bf16" in cpu.read_text():
        return "mixed_bfloat16"
    return "float32"


def make_trainer(snakemake, **changes):
    """Read the training images of a job and make the trainer of its architecture.

    With `match_colours`, images of another exposure than most of their river are read in the
    colours of those.

    Parameters
    ----------
    snakemake
        The job.
    **changes
        Settings of tile CNNs other than those of the config.

    Returns
    -------
    trainer : UNetTrainer or TileCnnTrainer
    colour_stats : dict
        Of `training_colour_stats`.
    """
    from ssc.classes import read_classes
    from ssc.cnn.tile_cnn import TileCnnSettings, TileCnnTrainer
    from ssc.cnn.training import read_training_images
    from ssc.cnn.unet import UNetSettings, UNetTrainer

    params, classes = snakemake.params, read_classes(snakemake.params.classes)
    is_unet = params.cnn["architecture"] == "unet"
    margin = params.cnn["patch_size"] if is_unet else params.tiles["size"]
    labels = label_files(snakemake.input.labels[0], params.names)
    colour_stats, curves = _match_colours(params)
    data = read_training_images(
        params.images, labels, params.rivers, params.white, margin, curves, params.held_out_block
    )
    trainer: UNetTrainer | TileCnnTrainer
    if is_unet:
        trainer = UNetTrainer(read_settings(UNetSettings, params.cnn), data, classes, params.seed)
    else:
        tiles = params.tiles
        grid = dict(tile_size=tiles["size"], tile_stride=tiles["train_stride"])
        settings = read_settings(TileCnnSettings, params.cnn, tiles, grid, **changes)
        trainer = TileCnnTrainer(settings, data, classes, params.seed)
    # check_campaign says so too, but other jobs need not wait for it.
    if (n := trainer.key["HierarchClass"].nunique()) < 2:
        raise InputError(f"labels of {n} class(es) only, a CNN needs two; label another")
    logging.info(
        "%d training images, classes: %s",
        len(data.images),
        ", ".join(trainer.key["ClassName"].unique()),
    )
    return trainer, colour_stats


def _match_colours(params):
    """The colour stats of training images, and curves for those that are exposure outliers."""
    from ssc.cnn.colour_matching import (
        colour_histogram,
        is_exposure_outlier,
        matching_curves,
        training_colour_stats,
        usual_exposures,
    )
    from ssc.io.rasters import open_image

    histograms, of_river = [], defaultdict(list)
    for path, river in zip(params.images, params.rivers, strict=True):
        with open_image(path, params.white) as image:
            histograms.append(colour_histogram(image))
        of_river[river].append(histograms[-1])
    if not params.cnn["match_colours"]:
        return training_colour_stats(histograms), [None] * len(histograms)
    usual = chain.from_iterable(usual_exposures(of_one) for of_one in of_river.values())
    stats = training_colour_stats(list(usual))
    curves = []
    for path, histogram in zip(params.images, histograms, strict=True):
        is_outlier = is_exposure_outlier(histogram, stats)
        curves.append(matching_curves(histogram, stats) if is_outlier else None)
        if is_outlier:
            logging.info(
                "%s is much darker or brighter than the other training images: the CNN learns "
                "from it in their colours (match_colours)",
                Path(path).name,
            )
    return stats, curves
