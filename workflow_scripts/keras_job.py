"""Keras, set up for a job: import it from here, before any module that imports it by itself."""

import logging
import os
import warnings

os.environ |= {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_NUM_INTRAOP_THREADS": str(snakemake.threads),
    "TF_NUM_INTEROP_THREADS": "1",
}

# An old NumPy name that Keras looks for as it exports.
warnings.filterwarnings("ignore", category=FutureWarning, module="keras")
logging.getLogger("tf2onnx").setLevel(logging.WARNING)
logging.getLogger("absl").setLevel(logging.ERROR)

import keras  # noqa: F401
