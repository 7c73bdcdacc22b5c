"""Importing the library has no side effects on the process that imports it."""

import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"

# What other libraries change as they are imported is not of interest, so they come first. Keras
# imports matplotlib.pyplot, so the modules of CNNs come in a second step.
PROGRAM = """
import os, pkgutil, sys, warnings
from importlib import import_module

import cv2, matplotlib.figure, pandas, rasterio, scipy.sparse, scipy.stats
import sklearn.ensemble, sklearn.neural_network, threadpoolctl

def state():
    return {
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "pyplot": "matplotlib.pyplot" in sys.modules,
        "backend": matplotlib.rcParams._get_backend_or_none(),
        "policy": keras.config.dtype_policy().name if "keras" in sys.modules else None,
    }

def import_all(names):
    before = state()
    for name in names:
        import_module(name)
        assert state() == before, f"{name}: {state()}"
    return before

import_all(["ssc"])
import ssc
names = [module.name for module in pkgutil.walk_packages(ssc.__path__, "ssc.")]
of_cnn = [name for name in names if name.startswith("ssc.cnn.")]
before = import_all([name for name in names if name not in of_cnn])
assert not before["pyplot"] and "keras" not in sys.modules

import h5py, keras, onnx, onnxruntime, tensorflow, tf2onnx
import_all(of_cnn)
print(len(names), len(of_cnn))
"""


def test_import_changes_no_global_state():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=SCRIPTS, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    n_modules, n_of_cnn = map(int, done.stdout.split())
    assert n_modules > 30
    assert n_of_cnn > 10
