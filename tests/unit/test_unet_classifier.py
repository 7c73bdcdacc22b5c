import os
from functools import partial

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
import skimage.data
from map_samples import classify

from ssc.cnn import classifier as classifier_module
from ssc.cnn.classifier import ClassifierSettings, UNetClassifier, open_classifier
from ssc.cnn.export import save_onnx
from ssc.cnn.unet import LOGITS, build_unet, low_resolution_model
from ssc.io.windows import windows


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    """A U-Net of three levels and random weights, as Keras and as ONNX has it."""
    keras.utils.set_random_seed(1)
    model = build_unet("plain", None, [8, 8, 8], 4)
    layer = model.get_layer(LOGITS)
    kernel, bias = layer.get_weights()
    # Probabilities that differ much from pixel to pixel.
    layer.set_weights([20 * kernel, bias])
    model = low_resolution_model(model)
    path = str(tmp_path_factory.mktemp("unet") / "model.onnx")
    save_onnx(model, path, {})
    return model, path


def open_unet(path, outputs=(1, 2, 3), codes=(1, 2, 4)):
    key = pd.DataFrame({"LocalClass": outputs, "HierarchClass": codes, "River": "Ure"})
    return open_classifier(path, key, ClassifierSettings(threads=1))


def random_image(height, width):
    return np.random.default_rng(1).integers(1, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(128, 192), (100, 70), (65, 64), (30, 20), (1, 3)])
def test_probabilities_are_those_of_keras_for_the_image_mirrored_to_a_full_size(unet, shape):
    model, path = unet
    height, width = shape
    image = random_image(height, width)
    # As OpenCV's BORDER_REFLECT: the pixels at the edge come twice.
    full = np.pad(image, ((0, -height % 64), (0, -width % 64), (0, 0)), mode="symmetric")
    expected = cv2.resize(np.asarray(model(full[None].astype(np.float32)))[0], full.shape[1::-1])
    expected = np.moveaxis(expected[:height, :width], -1, 0)
    classifier = open_unet(path)
    assert isinstance(classifier, UNetClassifier)
    result = classify(classifier, image)
    # Three of the four outputs: 0 stands for unlabelled.
    assert result.probabilities.values.dtype == np.uint16
    np.testing.assert_allclose(result.probabilities.enlarge(), expected[1:], atol=3e-5)
    assert result.probabilities.pixels_per_cell == 4
    assert result.class_map.shape == result.confidence.shape == shape
    best, second = np.sort(expected[1:], axis=0)[[-1, -2]]
    distinct = best - second > 1e-4
    classes = np.array([1, 2, 4])[expected[1:].argmax(axis=0)]
    np.testing.assert_array_equal(result.class_map[distinct], classes[distinct])
    # Of the classes that can be mapped.
    planes = result.probabilities.enlarge()
    percent = 100 * planes.max(axis=0) / planes.sum(axis=0)
    np.testing.assert_allclose(result.confidence, percent, atol=0.51)


def cut_into(monkeypatch, side):
    """Let the classifier cut images into windows of this side."""
    monkeypatch.setattr(classifier_module, "windows", partial(windows, side=side))


@pytest.mark.parametrize(("side", "n_windows"), [(64, 32), (192, 4)])
def test_classification_in_windows_equals_that_of_the_whole(unet, monkeypatch, side, n_windows):
    classifier = open_unet(unet[1])
    image = random_image(450, 200)
    expected = classify(classifier, image)
    assert expected.probabilities.values.std(axis=(1, 2)).min() > 655
    cut_into(monkeypatch, side)
    shapes = []
    run = classifier.session.run

    class Session:
        def run(self, names, feed):
            shapes.append(next(iter(feed.values())).shape[1:3])
            return run(names, feed)

    classifier.session = Session()
    result = classify(classifier, image)
    np.testing.assert_array_equal(result.probabilities.values, expected.probabilities.values)
    np.testing.assert_array_equal(result.class_map, expected.class_map)
    np.testing.assert_array_equal(result.confidence, expected.confidence)
    # Windows bound the memory: at most 256 more pixels on either side.
    assert len(shapes) == n_windows
    assert np.max(shapes) <= max(side, 200) + 56 + 512


def test_windows_of_the_default_encoder_show_no_seams(tmp_path, monkeypatch):
    """It sees farther than the windows overlap, but hardly uses what is so far away."""
    keras.utils.set_random_seed(1)
    model = build_unet("efficientnet_lite0", None, [64, 96, 128, 160], 4)
    save_onnx(low_resolution_model(model), tmp_path / "model.onnx", {})
    classifier = open_unet(str(tmp_path / "model.onnx"))
    image = np.vstack([np.rot90(skimage.data.coffee())[:, :256]] * 3)
    whole = classify(classifier, image)
    cut_into(monkeypatch, 512)
    strips = classify(classifier, image)
    assert not np.array_equal(strips.probabilities.values, whole.probabilities.values)
    assert np.bincount(whole.class_map.ravel()).max() < 0.9 * whole.class_map.size
    assert (strips.class_map != whole.class_map).mean() < 0.001


def test_classes_are_those_of_the_outputs_however_the_key_is_ordered(unet):
    image = random_image(64, 64)
    plain = classify(open_unet(unet[1], [1, 2, 3], [5, 9, 7]), image).probabilities
    mixed = classify(open_unet(unet[1], [3, 1, 2], [7, 5, 9]), image).probabilities
    assert plain.class_codes.dtype == np.uint8
    assert plain.class_codes.tolist() == mixed.class_codes.tolist() == [5, 7, 9]
    np.testing.assert_array_equal(plain.values, mixed.values)
    of_5, of_7, of_9 = plain.values.astype(int)
    # Outputs that stand for one class are summed.
    merged = classify(open_unet(unet[1], [1, 2, 3], [5, 9, 5]), image).probabilities
    assert merged.class_codes.tolist() == [5, 9]
    np.testing.assert_allclose(merged.values, [of_5 + of_7, of_9], atol=1)
