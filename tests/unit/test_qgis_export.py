"""The file for QGIS: as Deepness asks for it, and as GeoDeep, which reads the same, maps by it."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import json

import cv2
import geodeep
import keras
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from keras import layers
from map_samples import classify
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from run import REPO
from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.cnn.export import ground_resolution, save_onnx, save_onnx_for_qgis
from ssc.cnn.unet import LOGITS, build_unet, low_resolution_model
from ssc.io.datasets import RasterGeometry, create_dataset
from ssc.io.rasters import read_class_raster, read_image

UTM_10, DEGREES = CRS.from_epsg(32610), CRS.from_epsg(4326)
# California in US survey feet of 1200 / 3937 m.
FEET = CRS.from_epsg(2227)


def key_of(outputs, codes):
    names = [f"class {code}" for code in codes]
    return pd.DataFrame({"LocalClass": outputs, "HierarchClass": codes, "ClassName": names})


def test_probabilities_are_those_of_keras_by_class_in_the_order_of_the_key(tmp_path):
    keras.utils.set_random_seed(1)
    model = build_unet("plain", None, [8, 8, 8], 5)
    layer = model.get_layer(LOGITS)
    kernel, bias = layer.get_weights()
    # Probabilities that differ much from pixel to pixel.
    layer.set_weights([20 * kernel, bias])
    path = tmp_path / "model.onnx"
    # Outputs 4 and 1 are both of class 9.
    save_onnx_for_qgis(model, key_of([4, 3, 1, 2], [9, 2, 9, 5]), 0.0251, path)

    image = np.random.default_rng(1).integers(0, 256, (512, 512, 3)).astype(np.float32)
    cells = np.asarray(low_resolution_model(model)(image[None]))[0]
    classes = np.stack([cells[..., 4] + cells[..., 1], cells[..., 3], cells[..., 2]], axis=-1)
    expected = cv2.resize(classes, (512, 512), interpolation=cv2.INTER_LINEAR)
    expected /= expected.sum(axis=-1, keepdims=True)
    assert expected.std(axis=(0, 1)).min() > 0.02
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (tensor,) = session.get_inputs()
    assert (tensor.shape, tensor.type) == ([1, 3, 512, 512], "tensor(float)")
    assert [tensor.shape for tensor in session.get_outputs()] == [[1, 4, 512, 512]]
    pixels = image.transpose(2, 0, 1)[None] / np.float32(255)
    ((unsure, *planes),) = session.run(None, {tensor.name: pixels})[0]
    assert not unsure.any()
    np.testing.assert_allclose(np.stack(planes, axis=-1), expected, atol=1e-4)

    file = onnx.load(path)
    assert {p.key: json.loads(p.value) for p in file.metadata_props} == {
        "model_type": "Segmentor",
        "class_names": {"0": "unsure", "1": "class 9", "2": "class 2", "3": "class 5"},
        "resolution": 2.51,
        "tile_size": 512,
        "tiles_overlap": 25,
        "seg_thresh": 0,
        "seg_small_segment": 0,
    }
    # What ONNX Runtime 1.17 reads, which Deepness is bound to.
    assert file.ir_version <= 9
    assert {o.domain: o.version for o in file.opset_import}[""] <= 20


@pytest.mark.parametrize(("metres", "finer"), [(0.05, 1), (0.05, 2), (None, 1)])
def test_geodeep_makes_the_map_of_our_classifier_away_from_edges(metres, finer, tmp_path):
    image, _ = read_image(str(REPO / "sample_data/predict/Clearbrook_0005.jpg"))
    labels = read_class_raster(REPO / "sample_data/predict/SCLS_Clearbrook_0005.tif")
    codes = [5, 4, 1, 3, 2]
    model = nearest_colour_unet(np.array([image[labels == code].mean(axis=0) for code in codes]))
    key = key_of([1, 2, 3, 4, 5], codes)
    # Three columns and two rows of tiles of 512 px.
    image = cv2.copyMakeBorder(image, 0, 400, 0, 600, cv2.BORDER_REFLECT)

    save_onnx(low_resolution_model(model), tmp_path / "ours.onnx", {})
    key["River"] = "Clearbrook"
    ours = open_classifier(str(tmp_path / "ours.onnx"), key, ClassifierSettings(threads=1))
    expected = classify(ours, image).class_map

    path = str(tmp_path / "qgis.onnx")
    save_onnx_for_qgis(model, key, metres, path)
    names = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["class_names"]
    code_of = np.array([int(name.split()[-1]) for name in list(json.loads(names).values())[1:]])
    # GeoDeep takes 10 cm for granted.
    side = (metres or 0.1) / finer
    write_image(tmp_path / "image.tif", image.repeat(finer, axis=0).repeat(finer, axis=1), side)
    channels = geodeep.segment(str(tmp_path / "image.tif"), path, max_threads=1)
    assert channels.shape == expected.shape == (800, 1200)
    assert channels.min() > 0
    mapped = code_of[channels - 1]

    # It takes the median of 5 x 5 class numbers, which makes others at edges.
    window = np.ones((7, 7), np.uint8)
    inside = cv2.erode(expected, window) == cv2.dilate(expected, window)
    assert np.bincount(expected[inside], minlength=6)[1:].min() > 0.02 * inside.sum()
    assert inside.mean() > 0.5
    assert (mapped == expected)[inside].mean() > 0.999


def nearest_colour_unet(colours):
    """A CNN whose class is that of the colour nearest to the mean of each 4 x 4 px.

    |x - c|^2 is least where 2 x c - |c|^2 is largest. Output 0 is the largest in some places.
    """
    inputs = keras.Input((None, None, 3), name="pixels")
    n_outputs = len(colours) + 1
    x = layers.AveragePooling2D(4)(inputs)
    x = layers.Conv2D(n_outputs, 1, name=LOGITS)(x)
    model = keras.Model(inputs, layers.Softmax()(layers.UpSampling2D(4)(x)))
    kernel, bias = 2 * colours.T / 500, -(colours**2).sum(axis=1) / 500
    kernel = np.insert(kernel, 0, kernel.mean(axis=1), axis=1)
    bias = np.insert(bias, 0, bias.mean() + 4)
    model.get_layer(LOGITS).set_weights([kernel[None, None], bias])
    return model


def write_image(path, image, side):
    height, width = image.shape[:2]
    transform = from_origin(600_000, 4_050_000, side, side)
    geometry = RasterGeometry(height, width, UTM_10, transform)
    with create_dataset(path, geometry, count=3, photometric="RGB") as target:
        target.write(image.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("images", "metres"),
    [
        ([(UTM_10, from_origin(0, 9, 0.05, 0.05))], 0.05),
        # 3, 4, 5: a pixel of 5 cm, turned.
        ([(UTM_10, Affine(0.03, 0.04, 0, 0.04, -0.03, 9))], 0.05),
        ([(FEET, from_origin(0, 9, 0.5, 0.5))], 600 / 3937),
        ([(UTM_10, from_origin(0, 9, side, side)) for side in (0.2, 0.03, 0.05)], 0.05),
        ([(None, Affine.identity()), (UTM_10, from_origin(0, 9, 0.1, 0.1))], 0.1),
        ([(DEGREES, from_origin(0, 9, 1e-6, 1e-6))], None),
        # A world file: the unit of its coordinates is not known.
        ([(None, from_origin(0, 9, 0.05, 0.05))], None),
        ([(UTM_10, Affine.identity())], None),
    ],
)
def test_ground_resolution_is_that_of_images_in_lengths(images, metres):
    geometries = [RasterGeometry(10, 20, crs, transform) for crs, transform in images]
    assert ground_resolution(geometries) == pytest.approx(metres)
