"""Training refuses to run on the CPU in place of a GPU that it was given."""

import keras
import pytest

from keras_job import check_gpu
from ssc.errors import InputError


def test_given_gpu_that_is_not_seen_is_an_error_with_the_remedy(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with pytest.raises(InputError, match=r"CUDA_VISIBLE_DEVICES=3.*set allow_cpu to true"):
        check_gpu(allow_cpu=False)


@pytest.mark.parametrize(
    ("given", "allow_cpu", "seen"),
    [("3", True, []), ("3", False, ["gpu:0"]), ("", False, []), ("-1", False, [])],
)
def test_training_goes_on(monkeypatch, given, allow_cpu, seen):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: seen)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    check_gpu(allow_cpu)
