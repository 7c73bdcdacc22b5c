from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from map_samples import classify
from onnx_models import BLUE, BY_COLOUR, GREEN, RED, save_mean_colour_model

from ssc.cnn.classifier import ClassifierSettings, open_classifier
from ssc.cnn.colour_matching import colour_histogram, matching_curves
from ssc.errors import InputError, SettingError
from ssc.io.rasters import ImageArray

SETTINGS = ClassifierSettings(threads=1, tile_stride=2)


def class_key(codes, rivers="Ure; Wye"):
    outputs = range(1, len(codes) + 1)
    return pd.DataFrame({"LocalClass": outputs, "HierarchClass": codes, "River": rivers})


@pytest.fixture
def make_classifier(tmp_path):
    """A CNN of tiles, or without `size` a U-Net, that tells classes by their mean colour."""

    def make(codes, matrix=BY_COLOUR, size=2, metadata=None, river=None, **settings):
        path = str(tmp_path / "model.onnx")
        save_mean_colour_model(path, matrix, size, metadata)
        return open_classifier(path, class_key(codes), replace(SETTINGS, **settings), river)

    return make


def test_map_has_the_codes_of_the_key_and_never_the_unused_output(make_classifier):
    image = np.array([[RED] * 2 + [GREEN] * 2] * 2 + [[BLUE] * 2 + [RED] * 2] * 2, np.uint8)
    classifier = make_classifier([7, 3, 255])
    assert classifier.size == 2
    assert classifier.class_codes.tolist() == [3, 7, 255]
    result = classify(classifier, image)
    assert result.class_map.dtype == np.uint8
    assert result.class_map.tolist() == [[7, 7, 3, 3]] * 2 + [[255, 255, 7, 7]] * 2
    assert (result.confidence == 100).all()
    coarse = result.probabilities
    assert coarse.class_codes.tolist() == [3, 7, 255]
    assert (coarse.pixels_per_cell, coarse.shape) == (2, (4, 4))
    one = 65535
    assert coarse.values.tolist() == [[[0, one], [0, 0]], [[one, 0], [0, one]], [[0, 0], [one, 0]]]


def test_outputs_that_stand_for_one_class_are_summed(make_classifier):
    # 0.4 of output 2 lose to 0.3 + 0.3 of outputs 1 and 3, that both are class 5.
    classifier = make_classifier([5, 2, 5], [[0, 0.3, 0.4, 0.3]] * 3)
    tile = np.zeros((1, 2, 2, 3), np.uint8)
    tile[..., 0] = 1
    assert classifier.class_codes.tolist() == [2, 5]
    np.testing.assert_allclose(classifier.tile_probabilities(tile), [[0.4, 0.6]], rtol=1e-6)
    result = classify(classifier, tile[0])
    assert result.class_map.tolist() == [[5, 5], [5, 5]]
    assert result.confidence.tolist() == [[60, 60], [60, 60]]
    assert result.probabilities.values.ravel().tolist() == [26214, 39321]


def test_image_smaller_than_a_tile_is_refused(make_classifier):
    image = np.zeros((1, 4, 3), np.uint8)
    with pytest.raises(InputError, match="Ure_1.jpg: 4 x 1 px, smaller than the tiles of 2 px of"):
        classify(make_classifier([1, 2, 3]), image, "Ure_1.jpg")


def test_stride_that_leaves_gaps_between_the_tiles_is_refused_before_any_image(make_classifier):
    with pytest.raises(SettingError, match=r"^tile_stride: 3 px leaves gaps .* of 2 px of .*onnx"):
        make_classifier([1, 2, 3], tile_stride=3)
    # It is no setting of a U-Net.
    make_classifier([1, 2, 3], size=None, tile_stride=3)


def test_last_tiles_lie_flush_with_the_edges(make_classifier):
    image = np.zeros((3, 5, 3), np.uint8)
    image[:] = RED
    image[:, 4] = GREEN
    image[:, 3] = (100, 200, 0)
    # The tile at columns 3 and 4 is the only one that is green.
    # Column 3 shares the tile at 2 (red 178, green 100) and that at 3 (red 50, green 228).
    assert classify(make_classifier([1, 2, 3]), image).class_map.tolist() == [[1, 1, 1, 2, 2]] * 3


def test_overlapping_tiles_are_averaged(make_classifier):
    image = np.array([[RED] * 3 + [GREEN] * 3] * 2, np.uint8)
    # The tile at 2 is half red, half green: a draw goes to the first class.
    coarse = classify(make_classifier([1, 2, 3]), image)
    assert coarse.class_map.tolist() == [[1, 1, 1, 1, 2, 2]] * 2
    fine = classify(make_classifier([1, 2, 3], tile_stride=1), image)
    assert fine.class_map.tolist() == [[1, 1, 1, 2, 2, 2]] * 2
    # Means of the two tiles over each pixel; the outer ones have one.
    assert (fine.probabilities.values[0] / 65535).round(2).tolist() == [
        [1, 1, 0.75, 0.25, 0, 0]
    ] * 2


def test_large_image_is_classified_in_order_chunk_by_chunk(make_classifier, monkeypatch):
    monkeypatch.setattr("ssc.cnn.classifier.BATCH_PIXELS", 100)
    codes = np.random.default_rng(2).integers(0, 3, (30, 41))
    image = np.array([RED, GREEN, BLUE], np.uint8)[codes]
    result = classify(make_classifier([1, 2, 3], size=1, tile_stride=1), image)
    np.testing.assert_array_equal(result.class_map, codes + 1)


@pytest.mark.parametrize("size", [2, None])
def test_pixels_without_data_are_unmapped_but_keep_their_probabilities(make_classifier, size):
    image = np.full((40, 60, 3), RED, np.uint8)
    image[1:, 33:] = 0  # 1053 pixels, which cut tiles and cells in two
    result = classify(make_classifier([7, 3, 255], size=size), image)
    assert (result.class_map[1:, 33:] == 0).all()
    assert (result.confidence[1:, 33:] == 0).all()
    assert (result.class_map[0, :33] == 7).all()
    assert (result.class_map[:, :32] == 7).all()
    assert result.probabilities.values[1, 0, 16 if size else 8] > 0


STATS = {"darkest": 90, "brightest": 110, "bands": [120, 60, 60]}
# Green, and as dark and bright as a training image.
IMAGE = np.full((8, 8, 3), (80, 120, 80), np.uint8)


@pytest.mark.parametrize("size", [2, None])
def test_exposure_outlier_is_mapped_in_the_colours_of_the_training_images(
    make_classifier, size, caplog
):
    metadata = {"training_colour_stats": STATS}
    classifier = make_classifier([1, 2, 3], size=size, metadata=metadata)
    assert (classify(classifier, IMAGE).class_map == 2).all()
    assert not caplog.records
    dark = IMAGE // 2
    result = classify(classifier, dark, "Ure_1.jpg")
    assert (result.class_map == 1).all()
    assert "Ure_1.jpg is much darker or brighter than all training images" in caplog.text
    matched = cv2.LUT(dark, matching_curves(colour_histogram(ImageArray(dark)), STATS))
    plain = classify(make_classifier([1, 2, 3], size=size), matched)
    np.testing.assert_array_equal(result.probabilities.values, plain.probabilities.values)
    # Neither without the statistics nor against the setting.
    assert (classify(make_classifier([1, 2, 3], size=size), dark).class_map == 2).all()
    off = make_classifier([1, 2, 3], size=size, metadata=metadata, match_colours=False)
    assert (classify(off, dark).class_map == 2).all()


@pytest.mark.parametrize("size", [2, None])
def test_all_images_of_an_unseen_river_are_mapped_in_the_colours_of_the_training_images(
    make_classifier, size, caplog
):
    options = dict(size=size, metadata={"training_colour_stats": STATS})
    seen = make_classifier([1, 2, 3], river="Wye", **options)
    assert (classify(seen, IMAGE).class_map == 2).all()
    assert not caplog.records
    unseen = make_classifier([1, 2, 3], river="Dee", **options)
    assert (classify(unseen, IMAGE).class_map == 1).all()
    assert "the CNN has no training images of Dee" in caplog.text


def test_key_without_rivers_makes_no_river_unseen(tmp_path, caplog):
    path = str(tmp_path / "model.onnx")
    save_mean_colour_model(path, BY_COLOUR, 2, {"training_colour_stats": STATS})
    classifier = open_classifier(path, class_key([1, 2, 3], np.nan), SETTINGS, "Dee")
    assert (classify(classifier, IMAGE).class_map == 2).all()
    assert not caplog.records
