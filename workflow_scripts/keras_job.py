"""How a job uses Keras."""

import logging
import os
import warnings


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
