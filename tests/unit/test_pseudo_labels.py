from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refine_samples import MAPS, raster
from test_majority import slow_majority

from ssc.io.windows import WINDOW_SIDE
from ssc.refine.pseudo_labels import PseudoLabels, PseudoLabelSettings

ALL = PseudoLabelSettings(min_probability=0, pixel_fraction=1.0, min_pixels=0)


def pseudo_labels(class_map, confidence=None, seed=42, side=WINDOW_SIDE, **changes):
    confidence = np.full_like(class_map, 100) if confidence is None else confidence
    labels = PseudoLabels(class_map, confidence, replace(ALL, **changes), seed, side)
    codes = np.empty_like(class_map)
    for window in labels.windows:
        codes[window.slices] = labels.read(window)
    return codes


def patch_sizes(codes):
    """Pixels of the patch of one class that each pixel is in, by flood fill."""
    sizes = np.zeros(codes.shape, int)
    for start in np.ndindex(codes.shape):
        patch, edge = {start}, [start]
        while edge:
            y, x = edge.pop()
            for near in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                inside = 0 <= near[0] < codes.shape[0] and 0 <= near[1] < codes.shape[1]
                if inside and near not in patch and codes[near] == codes[start]:
                    patch.add(near)
                    edge.append(near)
        sizes[start] = len(patch)
    return sizes


@given(MAPS, st.integers(0, 4))
def test_only_patches_of_too_few_tiles_take_the_majority_about_them(tiles, min_tiles):
    tile_map = tiles.repeat(2, axis=0).repeat(2, axis=1)
    small = (tile_map > 0) & (patch_sizes(tile_map) < 4 * min_tiles)
    expected = np.where(small, slow_majority(tile_map, 4 * min_tiles + 1), tile_map)
    labels = pseudo_labels(tile_map, tile_size=2, min_tiles=min_tiles)
    np.testing.assert_array_equal(labels, expected)


def test_patches_that_touch_at_corners_are_apart():
    class_map = raster([[1, 2, 2], [2, 1, 2], [2, 2, 2]])
    assert pseudo_labels(class_map, min_tiles=2).tolist() == [[2] * 3] * 3


def test_a_patch_of_just_enough_tiles_stays():
    class_map = np.full((6, 6), 2, np.uint8)
    class_map[:2, :4] = 1
    labels = pseudo_labels(class_map, min_tiles=2, tile_size=2)
    np.testing.assert_array_equal(labels, class_map)


def test_pixels_below_the_probability_get_no_pseudo_label(caplog):
    tile_map, confidence = raster([[1, 2, 2, 3]]), raster([[6, 7, 8, 100]])
    labels = pseudo_labels(tile_map, confidence=confidence, min_probability=0.07)
    assert labels.tolist() == [[0, 2, 2, 3]]
    assert [m.partition(",")[0] for m in caplog.messages] == [
        "WARNING: no pixel of class 1 reaches min_probability 0.07"
    ]


def test_patches_are_counted_before_low_confidence_is_masked():
    tile_map, confidence = raster([[1, 1, 1, 2, 2]]), raster([[90, 90, 90, 90, 10]])
    labels = pseudo_labels(tile_map, confidence=confidence, min_tiles=2, min_probability=0.5)
    assert labels.tolist() == [[1, 1, 1, 2, 0]]


@pytest.mark.parametrize(
    ("pixel_fraction", "min_pixels", "left"),
    [(0.25, 0, 100), (0.25, 150, 150), (0.25, 401, 400), (1.0, 400, 400)],
)
def test_a_fraction_of_the_pixels_is_drawn(pixel_fraction, min_pixels, left):
    tile_map = np.zeros((45, 20), np.uint8)
    tile_map[5:25] = np.arange(20) % 3 + 1

    def labels(seed):
        return pseudo_labels(
            tile_map, seed=seed, pixel_fraction=pixel_fraction, min_pixels=min_pixels
        )

    sample = labels(1)
    assert np.count_nonzero(sample) == left
    assert (sample == tile_map)[sample > 0].all()
    np.testing.assert_array_equal(labels(1), sample)
    assert np.array_equal(labels(2), sample) == (left == 400)


def test_windows_share_the_draw_and_the_filters(caplog):
    rng = np.random.default_rng(3)
    class_map = np.kron(rng.integers(0, 4, (40, 40)), np.ones((4, 4), int)).astype(np.uint8)
    confidence = rng.integers(30, 100, class_map.shape).astype(np.uint8)
    filters = dict(min_tiles=2, tile_size=4, min_probability=0.5)
    expected = pseudo_labels(class_map, confidence, **filters)
    windowed = pseudo_labels(class_map, confidence, side=64, **filters)
    np.testing.assert_array_equal(windowed, expected)
    drawn = pseudo_labels(class_map, confidence, side=64, pixel_fraction=0.25, **filters)
    assert np.count_nonzero(drawn) == round(0.25 * np.count_nonzero(expected))
    assert (drawn == expected)[drawn > 0].all()
    for part in (np.s_[:64, :64], np.s_[128:, 64:128]):
        share = np.count_nonzero(drawn[part]) / np.count_nonzero(expected[part])
        assert share == pytest.approx(0.25, abs=0.001)


@pytest.mark.parametrize(("min_pixels", "warns"), [(4, 0), (5, 1), (6, 1), (7, 0)])
def test_too_few_pseudo_labels_of_a_map_that_has_enough_pixels_are_a_warning(
    min_pixels, warns, caplog
):
    # Six pixels have data, four of them a confidence of 50 % and more.
    class_map, confidence = raster([[1, 1, 2, 2, 2, 2, 0, 0]]), raster([[90, 9] * 2 + [90] * 4])
    pseudo_labels(class_map, confidence, min_probability=0.5, min_pixels=min_pixels)
    assert caplog.text.count("only 4 pixels have pseudo-labels, fewer than min_pixels") == warns
    assert len(caplog.messages) == warns


def test_an_image_of_fewer_pixels_than_the_minimum_is_no_warning(caplog):
    small = raster([[1, 2, 2], [1, 1, 2]])
    np.testing.assert_array_equal(pseudo_labels(small, min_pixels=250000), small)
    # Said once for the campaign, by check_campaign.
    small[0, 0] = 0
    pseudo_labels(small, min_pixels=250000)
    assert caplog.messages == []


def test_inputs_are_left_as_they_were():
    class_map, confidence = raster([[1, 1, 2, 0, 2]]), raster([[90, 90, 90, 90, 40]])
    copies = class_map.copy(), confidence.copy()
    pseudo_labels(class_map, confidence, pixel_fraction=0.5, min_probability=0.5, min_tiles=2)
    np.testing.assert_array_equal(class_map, copies[0])
    np.testing.assert_array_equal(confidence, copies[1])
