from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ssc.cnn.tiles import (
    coarse_mosaic,
    extract_tiles,
    find_training_tiles,
    mosaic,
    pure_tiles,
    tile_starts,
)
from ssc.io.windows import Window, whole


@pytest.mark.parametrize(
    ("length", "size", "stride", "starts", "covering"),
    [
        (10, 5, 5, [0, 5], [0, 5]),
        (12, 5, 5, [0, 5], [0, 5, 7]),
        (12, 5, 3, [0, 3, 6], [0, 3, 6, 7]),
        (11, 5, 3, [0, 3, 6], [0, 3, 6]),
        (12, 3, 4, [0, 4, 8], [0, 4, 8, 9]),
        (5, 5, 1, [0], [0]),
        (4, 5, 5, [], []),
    ],
)
def test_tile_starts(length, size, stride, starts, covering):
    assert tile_starts(length, size, stride).tolist() == starts
    assert tile_starts(length, size, stride, cover=True).tolist() == covering


@given(
    labels=arrays(
        np.uint8,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        # Mostly one class, so that pure tiles are common.
        elements=st.sampled_from([3, 3, 3, 3, 3, 3, 0, 1, 200]),
        fill=st.nothing(),
    ),
    size=st.integers(1, 4),
    stride=st.integers(1, 6),
    purity=st.sampled_from(["0.51", "0.6", "0.7", "0.75", "0.9", "1"]),
)
def test_pure_tiles_are_those_with_enough_pixels_of_one_class(labels, size, stride, purity):
    expected = []
    for row in range(0, labels.shape[0] - size + 1, stride):
        for column in range(0, labels.shape[1] - size + 1, stride):
            tile = labels[row : row + size, column : column + size].ravel().tolist()
            for code in (1, 3, 200):
                if tile.count(code) >= Fraction(purity) * size**2:
                    expected.append((row, column, code))
    rows, columns, codes = pure_tiles(labels, [1, 3, 200], size, stride, float(purity))
    assert list(zip(rows, columns, codes, strict=True)) == expected
    assert codes.dtype == np.uint8


@pytest.mark.parametrize(("missing", "pure"), [(10, [2]), (11, [])])
def test_purity_is_reached_by_exactly_nine_pixels_of_ten(missing, pure):
    labels = np.full((10, 10), 2, np.uint8)
    labels.flat[:missing] = 0
    assert pure_tiles(labels, [2], 10, 10, 0.9)[2].tolist() == pure


def test_purity_of_a_decimal_share_is_not_lost_to_rounding():
    # 0.81 x 10 x 10 is 81.00000000000001 in floating point.
    labels = np.zeros((10, 10), np.uint8)
    labels.flat[:81] = 1
    assert pure_tiles(labels, [1], 10, 10, 0.81)[2].tolist() == [1]


def test_classes_that_are_not_asked_for_are_not_found():
    assert pure_tiles(np.full((4, 4), 7, np.uint8), [1, 2], 2, 2, 0.9)[2].size == 0


def test_extract_tiles_copies_the_pixels_at_each_start():
    image = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    tiles = extract_tiles(image, np.array([0, 3]), np.array([4, 1]), 2)
    assert tiles.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(tiles[0], image[0:2, 4:6])
    np.testing.assert_array_equal(tiles[1], image[3:5, 1:3])
    tiles[:] = 0
    assert image[0, 4, 0] == 12


def test_extract_tiles_of_no_start_is_empty():
    none = np.array([], int)
    assert extract_tiles(np.zeros((5, 6, 3), np.uint8), none, none, 2).shape == (0, 2, 2, 3)


def test_strip_right_and_below_belongs_to_the_last_tiles():
    starts = tile_starts(5, 2, 2, cover=True)
    assert starts.tolist() == [0, 2, 3]
    probabilities = np.zeros((3, 3, 2), np.float32)
    probabilities[..., 0] = 0.6
    probabilities[..., 1] = 0.4
    # The last tile is more confident: it wins where it shares the pixel at 3 with its neighbours.
    probabilities[2, 2] = [0.1, 0.9]
    class_map, confidence = mosaic(
        probabilities, np.array([5, 9], np.uint8), starts, starts, 2, whole((5, 5))
    )
    assert class_map.tolist() == [
        [5, 5, 5, 5, 5],
        [5, 5, 5, 5, 5],
        [5, 5, 5, 5, 5],
        # (3, 3): four tiles, 0.6 + 0.6 + 0.6 + 0.1 = 1.9 against 0.4 + 0.4 + 0.4 + 0.9 = 2.1.
        [5, 5, 5, 9, 9],
        [5, 5, 5, 9, 9],
    ]
    # The only tile at (0, 0) says 0.6; the four at (3, 3) say 2.1 / 4.
    assert confidence[[0, 3], [0, 3]].tolist() == [60, 52]


@given(data=st.data(), size=st.integers(1, 5))
def test_mosaics_take_the_mean_over_the_tiles_of_a_pixel(data, size):
    stride = data.draw(st.integers(1, size))
    shape = data.draw(st.tuples(*[st.integers(size, 11)] * 2))
    rows, columns = (tile_starts(n, size, stride, cover=True) for n in shape)
    # Sums of sixteenths are exact in float32, so that ties fall alike.
    sixteenths = st.integers(1, 16).map(lambda n: n / 16)
    probabilities = data.draw(
        arrays(np.float32, (len(rows), len(columns), 3), elements=sixteenths, fill=st.nothing())
    )
    codes = np.array([2, 5, 255], np.uint8)
    total = np.zeros((*shape, 3))
    tiles = np.zeros(shape)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            total[row : row + size, column : column + size] += probabilities[i, j]
            tiles[row : row + size, column : column + size] += 1
    mean = total / tiles[..., None]
    class_map, confidence = mosaic(probabilities, codes, rows, columns, size, whole(shape))
    assert (class_map.dtype, confidence.dtype) == (np.uint8, np.uint8)
    np.testing.assert_array_equal(class_map, codes[mean.argmax(axis=2)])
    np.testing.assert_allclose(confidence, 100 * mean.max(axis=2), atol=0.51)
    ends = [
        data.draw(st.tuples(*[st.integers(0, n)] * 2).filter(lambda e: e[0] < e[1])) for n in shape
    ]
    window = Window(ends[0][0], ends[1][0], ends[0][1], ends[1][1])
    part = mosaic(probabilities, codes, rows, columns, size, window)
    np.testing.assert_array_equal(part[0], class_map[window.slices])
    np.testing.assert_array_equal(part[1], confidence[window.slices])
    # A cell of one stride has the mean of its pixels, of those in the image at its edge.
    cells = coarse_mosaic(probabilities, rows, columns, size, stride)
    n, m = (-(-side // stride) for side in shape)
    assert cells.shape == (3, n, m)
    for i, j in np.ndindex(n, m):
        block = mean[i * stride : (i + 1) * stride, j * stride : (j + 1) * stride]
        np.testing.assert_allclose(cells[:, i, j], block.mean(axis=(0, 1)), rtol=1e-5)


def test_training_tiles_of_several_images_keep_their_image():
    labels = [
        np.full((4, 4), 3, np.uint8),
        np.zeros((4, 4), np.uint8),
        np.full((2, 5), 7, np.uint8),
        # Smaller than a tile.
        np.full((1, 5), 7, np.uint8),
    ]
    tiles = find_training_tiles(labels, [3, 7], size=2, stride=2, purity=0.9)
    # Nothing is labelled in the second image.
    assert tiles.images.tolist() == [0, 0, 0, 0, 2, 2]
    assert tiles.rows.tolist() == [0, 0, 2, 2, 0, 0]
    assert tiles.columns.tolist() == [0, 2, 0, 2, 0, 2]
    assert tiles.codes.tolist() == [3, 3, 3, 3, 7, 7]
