from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from refine_samples import MAPS, image_of, raster, refine_by_colour, tree

from ssc.refine.fusion import smooth_map
from ssc.refine.majority import majority_filter


def slow_majority(codes, side):
    """The definition, pixel by pixel."""
    out, reach = np.zeros_like(codes), side // 2
    for y, x in np.ndindex(codes.shape):
        rows = slice(max(y - reach, 0), y + reach + 1)
        square = codes[rows, max(x - reach, 0) : x + reach + 1]
        ranks = Counter(square[square > 0].tolist())
        out[y, x] = min(ranks, key=lambda code: (-ranks[code], code), default=0)
    return out


@given(MAPS, st.sampled_from([1, 3, 5, 7, 101]))
def test_majority_filter_takes_the_most_frequent_class_of_each_square(codes, side):
    majority = majority_filter(codes, side)
    assert majority.dtype == np.uint8
    np.testing.assert_array_equal(majority, slow_majority(codes, side))


@given(MAPS, st.integers(0, 3))
def test_smooth_map_is_the_majority_within_the_radius(codes, reach):
    smooth = smooth_map(codes, reach)
    expected = slow_majority(codes, 2 * reach + 1) if reach else codes
    expected = np.where(codes > 0, expected, 0)
    np.testing.assert_array_equal(smooth, expected)


def test_majority_within_the_radius_decides_in_the_end():
    drawn = ["..........", ".#.....###", ".......###", "..###..###", "..###..###", "..###..###"]
    final = ["..........", "........##", ".......###", "...#...###", "..###..###", "..###..###"]
    values = np.array([[90 if c == "#" else 10 for c in row] for row in drawn])
    tile_map = raster(np.where(values == 90, 2, 1))
    np.testing.assert_array_equal(refine_by_colour(image_of(values), tile_map, tree()), tile_map)
    smooth = refine_by_colour(image_of(values), tile_map, tree(), majority_radius=1)
    assert ["".join(".#"[code - 1] for code in row) for row in smooth] == final
