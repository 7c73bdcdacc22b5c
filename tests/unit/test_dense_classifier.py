import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import pandas as pd
import pytest

from ssc import dense_classifier
from ssc.class_key import class_key
from ssc.cnn import export_onnx
from ssc.colour_match import match_colours
from ssc.dense_classifier import DenseClassifier
from ssc.dense_net import LOGITS, build_dense_net, coarse_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network of three levels and chance weights, as Keras and as ONNX has it."""
    keras.utils.set_random_seed(1)
    model = build_dense_net([8, 8, 8], 4, "float32")
    layer = model.get_layer(LOGITS)
    kernel, bias = layer.get_weights()
    # Probabilities that differ much from pixel to pixel.
    layer.set_weights([20 * kernel, bias])
    coarse = coarse_network(model)
    path = str(tmp_path_factory.mktemp("network") / "model.onnx")
    export_onnx(coarse, path)
    return coarse, path


def chance_image(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("shape", [(128, 192), (100, 70), (65, 64), (30, 20), (1, 3)])
def test_probabilities_are_those_of_keras_for_the_image_mirrored_to_a_full_size(
    network, classes, shape
):
    coarse, path = network
    height, width = shape
    image = chance_image(height, width)
    # As OpenCV's BORDER_REFLECT: the pixels at the edge come twice.
    full = np.pad(image, ((0, -height % 64), (0, -width % 64), (0, 0)), mode="symmetric")
    expected = cv2.resize(np.asarray(coarse(full[None].astype(np.float32)))[0], full.shape[1::-1])
    expected = expected[:height, :width]
    classifier = DenseClassifier(path, class_key(classes, ["Ure"], False), threads=1)
    found = classifier.probabilities(image)
    assert found.dtype == np.float32
    # Three of the four outputs: 0 stands for unlabelled.
    assert found.shape == (3, *shape)
    np.testing.assert_allclose(found, np.moveaxis(expected, -1, 0)[1:], atol=1e-5)


# With 1 pixel strips are still 64 rows high; 450 is no multiple of 64 and 128.
@pytest.mark.parametrize("strip", [1, 70 * 200])
def test_strips_leave_no_trace(network, classes, monkeypatch, strip):
    classifier = DenseClassifier(network[1], class_key(classes, ["Ure"], False), threads=1)
    image = chance_image(450, 70)
    whole = classifier.probabilities(image)
    assert whole.std(axis=(1, 2)).min() > 0.01
    monkeypatch.setattr(dense_classifier, "STRIP", strip)
    heights = []
    run = classifier.session.run

    class Session:
        def run(self, names, feed):
            heights.append(next(iter(feed.values())).shape[1])
            return run(names, feed)

    classifier.session = Session()
    np.testing.assert_array_equal(classifier.probabilities(image), whole)
    # So that memory is bounded, which is what strips are for: at most 128 more on either side.
    assert len(heights) == -(-450 // max(64, strip // 70 // 64 * 64))
    assert max(heights) <= max(64, strip // 70) + 256


def test_classes_are_those_of_the_outputs_however_the_key_is_ordered(network):
    def classifier(outputs, codes):
        key = pd.DataFrame({"River": "Ure", "LocalClass": outputs, "HierarchClass": codes})
        return DenseClassifier(network[1], key, threads=1)

    plain, mixed = classifier([1, 2, 3], [5, 9, 7]), classifier([3, 1, 2], [7, 5, 9])
    assert plain.codes.dtype == mixed.codes.dtype == np.uint8
    assert plain.codes.tolist() == mixed.codes.tolist() == [5, 7, 9]
    image = chance_image(64, 64)
    of_5, of_7, of_9 = found = plain.probabilities(image)
    np.testing.assert_array_equal(found, mixed.probabilities(image))
    # Outputs that stand for one class are summed.
    merged = classifier([1, 2, 3], [5, 9, 5])
    assert merged.codes.tolist() == [5, 9]
    np.testing.assert_allclose(merged.probabilities(image), [of_5 + of_7, of_9], atol=1e-6)


@pytest.fixture
def told(network, tmp_path):
    """The network with the colours that it learned from."""
    learned = {"darkest": 90, "brightest": 110, "bands": [120, 100, 80]}
    path = str(tmp_path / "told.onnx")
    export_onnx(network[0], path, {"learned_colours": learned})
    return path, learned


def test_a_dark_image_is_classified_in_the_colours_learned_from(network, classes, told, caplog):
    (path, learned), key = told, class_key(classes, ["Ure"], False)
    classifier, plain = DenseClassifier(path, key, 1), DenseClassifier(network[1], key, 1)
    unmatched = DenseClassifier(path, key, 1, match_colours=False)
    image = chance_image(64, 64)
    dark = image // 4
    np.testing.assert_array_equal(classifier.probabilities(image), plain.probabilities(image))
    assert not caplog.records
    as_learned = plain.probabilities(match_colours(dark, learned))
    np.testing.assert_array_equal(classifier.probabilities(dark), as_learned)
    assert "much darker or brighter than all images" in caplog.text
    np.testing.assert_array_equal(unmatched.probabilities(dark), plain.probabilities(dark))
    assert abs(as_learned - plain.probabilities(dark)).max() > 0.01


def test_images_of_an_unseen_river_are_all_classified_in_the_colours_learned_from(
    network, classes, told, caplog
):
    (path, learned), key = told, class_key(classes, ["Ure", "Wye"], False)
    image, plain = chance_image(64, 64), DenseClassifier(network[1], key, 1)
    own = DenseClassifier(path, key, 1, river="Wye")
    np.testing.assert_array_equal(own.probabilities(image), plain.probabilities(image))
    assert not caplog.records
    other = DenseClassifier(path, key, 1, river="Dee")
    as_learned = plain.probabilities(match_colours(image, learned))
    np.testing.assert_array_equal(other.probabilities(image), as_learned)
    assert "did not learn from Dee" in caplog.text
    assert abs(as_learned - plain.probabilities(image)).max() > 0.01


def test_what_has_no_data_has_no_probability(network, classes):
    image = chance_image(64, 96) // 2 + 100
    image[:, 64:] = 0
    classifier = DenseClassifier(network[1], class_key(classes, ["Ure"], False), threads=1)
    found = classifier.probabilities(image)
    assert (found[:, :, 64:] == 0).all()
    assert (found[:, :, :64].sum(axis=0) > 0).all()
