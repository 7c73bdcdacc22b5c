"""How a job uses Keras."""

import logging
import os
import warnings
from pathlib import Path

from ssc.errors import InputError


def set_up_keras(threads: int) -> None:
    """Keep TensorFlow to a job's threads and quiet; to be called before Keras is imported."""
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        # Else TensorFlow takes all memory of a card that others may share.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    # An old NumPy name that Keras looks for as it exports.
    warnings.filterwarnings("ignore", category=FutureWarning, module="keras")
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    logging.getLogger("absl").setLevel(logging.ERROR)


def check_gpu(allow_cpu: bool) -> None:
    """Refuse to train on the CPU where a cluster (or the user) gave the job a GPU.

    Raises
    ------
    InputError
        When CUDA_VISIBLE_DEVICES names a GPU, Keras sees none, and `allow_cpu` is false.
    """
    import keras

    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if given in ("", "-1") or allow_cpu or keras.distribution.list_devices("gpu"):
        return
    raise InputError(
        f"this job was given a GPU (CUDA_VISIBLE_DEVICES={given}) that {keras.backend.backend()} "
        "does not see; install tensorflow[and-cuda] in the environment of the jobs and check "
        "nvidia-smi on the machine, or set allow_cpu to true to train on the CPU"
    )


def dense_policy(mixed_precision: bool) -> str:
    """The Keras dtype policy that trains fastest here: 16 bits where the hardware computes so."""
    import keras

    if not mixed_precision:
        return "float32"
    if keras.distribution.list_devices("gpu"):
        return "mixed_float16"
    cpu = Path("/proc/cpuinfo")
    if cpu.is_file() and "avx512_bf16" in cpu.read_text():
        return "mixed_bfloat16"
    return "float32"
