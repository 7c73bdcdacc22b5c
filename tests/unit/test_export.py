import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import json

import h5py
import keras
import numpy as np
import onnxruntime
import pytest

from ssc.cnn.export import read_metadata, save_keras, save_onnx
from ssc.cnn.tile_cnn import build_tile_cnn
from ssc.cnn.unet import build_unet, low_resolution_model


@pytest.mark.parametrize(
    ("build", "shape", "name"),
    [
        (lambda: build_tile_cnn("compact", None, "all", 8, 3), (20, 8, 8, 3), "tiles"),
        # It has constants, which may not become inputs of the graph.
        (lambda: build_tile_cnn("EfficientNetV2B0", None, "all", 32, 4), (3, 32, 32, 3), "tiles"),
        *(
            (
                lambda encoder=encoder: low_resolution_model(build_unet(encoder, None, [8, 16], 3)),
                (1, 64, 32, 3),
                "pixels",
            )
            for encoder in ("plain", "efficientnet_lite0", "MobileNetV3Small")
        ),
    ],
)
def test_onnx_gives_the_probabilities_of_keras_and_keeps_metadata(build, shape, name, tmp_path):
    keras.utils.set_random_seed(1)
    model = build()
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.float32)
    expected = np.asarray(model(pixels))
    path = tmp_path / "model.onnx"
    save_onnx(model, path, {"colours": {"bands": [1.5, 2]}})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [tensor.name for tensor in session.get_inputs()] == [name]
    (outputs,) = session.run(None, {name: pixels})
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["colours"]) == {"bands": [1.5, 2]}


def test_keras_file_keeps_the_cnn_and_its_metadata_without_the_optimizer(tmp_path):
    model = build_tile_cnn("compact", None, "all", 8, 3)
    model.compile("adam", "mse")
    path = tmp_path / "model.h5"
    save_keras(model, path, {"colours": {"bands": [1.5, 2]}})
    assert read_metadata(path, "colours") == {"bands": [1.5, 2]}
    assert read_metadata(path, "other") is None
    loaded = keras.models.load_model(path, compile=False)
    for weight, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    with h5py.File(path) as file:
        assert "optimizer_weights" not in file


def test_file_of_another_format_has_no_metadata(tmp_path):
    (tmp_path / "model.keras").write_bytes(b"PK")
    assert read_metadata(tmp_path / "model.keras", "colours") is None
