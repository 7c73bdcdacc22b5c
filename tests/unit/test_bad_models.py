"""Models of others that cannot map: refused when they are loaded, in a sentence."""

import json
import os
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
import pytest

from ssc.cnn.model_loading import check_scores, load_model
from ssc.errors import InputError

L = keras.layers


def tile_cnn(*last):
    return keras.Sequential([keras.Input((8, 8, 3)), L.Flatten(), *last])


@pytest.fixture(scope="module")
def softmax():
    return tile_cnn(L.Dense(3, activation="softmax"))


def with_config(source, target, change):
    """A copy of a .keras file with another configuration."""
    with zipfile.ZipFile(source) as file, zipfile.ZipFile(target, "w") as copy:
        for name in file.namelist():
            content = file.read(name)
            copy.writestr(name, change(content) if name == "config.json" else content)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(softmax, tmp_path, value, suffix):
    path = tmp_path / f"model.{suffix}"
    model = keras.models.clone_model(softmax)
    kernel, bias = model.get_weights()
    kernel[5, 1] = value
    model.set_weights([kernel, bias])
    model.save(path)
    with pytest.raises(
        InputError, match=rf"model.{suffix}: weights that are no numbers \(in .*kern"
    ):
        load_model(path)


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_scores_that_are_no_probabilities(activation):
    model = tile_cnn(L.Rescaling(1, offset=-1), L.Dense(3, activation, kernel_initializer="ones"))
    with pytest.raises(InputError, match="a.h5: its scores are no probabilities from 0 to 1; let"):
        check_scores(model, "a.h5")


def test_probabilities_pass(softmax):
    check_scores(softmax, "a.h5")


def test_arrays_that_would_fill_the_memory(softmax, tmp_path):
    path = tmp_path / "model.h5"
    softmax.save(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("large", (10**6, 10**6), "f4", chunks=(64, 64), compression="gzip")
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="model.h5: 4000.0 GB when unpacked, more than 3 GB; give"):
        load_model(path)
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as file, h5py.File(tmp_path / "model.weights.h5", "w") as large:
        large.create_dataset("large", (10**6, 10**6), "f4", chunks=(64, 64), compression="gzip")
        large.close()
        file.write(tmp_path / "model.weights.h5", "model.weights.h5")
    with pytest.raises(InputError, match="model.keras: 4000.0 GB when unpacked"):
        load_model(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda text: text.replace(b'"units": 3', b'"units": 1000000000'),
            "units 1000000000, more",
        ),
        (lambda text: text.replace(b"[null, 8,", b"[null, 80000,"), "batch_shape 80000, more than"),
        (lambda text: text.replace(b'"units": 3', b'"units": "3"'), "cannot load it"),
        (lambda text: text.replace(b'"units": 3', b'"units": 4'), "cannot load it"),
        (lambda text: text[:-50], "truncated or damaged"),
        (lambda text: b"[]", "truncated or damaged"),
        (lambda text: b"", "truncated or damaged"),
        (lambda text: b"[" * 100_000, "truncated or damaged"),
        (lambda text: b'{"a": ' * 50_000, "truncated or damaged"),
        (lambda text: json.dumps({"class_name": ["a"], "config": {}}).encode(), "truncated or dam"),
        (lambda text: b"\xff\xfe", "truncated or damaged"),
    ],
)
def test_configuration_that_is_none(softmax, tmp_path, change, problem):
    softmax.save(tmp_path / "good.keras")
    with_config(tmp_path / "good.keras", tmp_path / "bad.keras", change)
    with pytest.raises(InputError, match=f"bad.keras: .*{problem}"):
        load_model(tmp_path / "bad.keras")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (os.mkfifo, "is a pipe, socket or device"),
        (os.mkdir, "is a folder, not a file"),
        (lambda path: os.symlink("/dev/zero", path), "is a pipe, socket or device"),
        (lambda path: open(path, "w").close(), "is empty"),
    ],
)
@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_file_that_is_none(tmp_path, make, problem, name):
    make(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: {problem}"):
        load_model(tmp_path / name)


def test_suffix_in_capitals(softmax, tmp_path):
    softmax.save(tmp_path / "m.h5")
    (tmp_path / "m.h5").rename(tmp_path / "m.H5")
    with pytest.raises(InputError, match="Keras reads the suffix in lower case; rename it"):
        load_model(tmp_path / "m.H5")


def test_mutated_models_are_answered_by_sentences(softmax, tmp_path):
    rng, refused, n = np.random.default_rng(3), 0, 60
    for suffix in ("h5", "keras"):
        softmax.save(tmp_path / f"good.{suffix}")
        content = (tmp_path / f"good.{suffix}").read_bytes()
        for _ in range(n // 2):
            mutant, at = bytearray(content), rng.integers(len(content))
            length = int(2 ** rng.uniform(0, 9))
            mutant[at : at + length] = rng.bytes(length * rng.integers(0, 2))
            (tmp_path / f"bad.{suffix}").write_bytes(mutant)
            try:
                load_model(tmp_path / f"bad.{suffix}")
            except InputError:
                refused += 1
    assert 10 < refused < n
