"""How a job uses Keras."""

import logging
import os
import warnings
from pathlib import Path


def set_up_keras(threads: int) -> None:
    """Keep TensorFlow to a job's threads and quiet; to be called before Keras is imported."""
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
    }
    # An old NumPy name that Keras looks for as it exports.
    warnings.filterwarnings("ignore", category=FutureWarning, module="keras")
    logging.getLogger("tf2onnx").setLevel(logging.WARNING)
    logging.getLogger("absl").setLevel(logging.ERROR)


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
