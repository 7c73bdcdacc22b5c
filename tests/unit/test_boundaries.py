import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt

from ssc.evaluation.boundaries import boundary_counts


def row(*runs):
    """A raster of one row, from pairs of a code and how often it comes."""
    codes, lengths = zip(*runs, strict=True)
    return np.repeat(np.array(codes, np.uint8), lengths)[None]


def counts_of_one(labels, codes, **options):
    (counts,) = boundary_counts(labels, [codes], 4, **options)
    return counts


def edge_counts(labels, codes, **options):
    return counts_of_one(labels, codes, **options)[[1, 3]].tolist()


def test_several_maps_are_counted_as_each_alone():
    labels, maps = row((1, 5), (3, 5)), [row((1, 7), (3, 3)), row((1, 2), (2, 8))]
    together = boundary_counts(labels, maps, 4)
    assert [c.tolist() for c in together] == [counts_of_one(labels, m).tolist() for m in maps]
    assert together[0].tolist() != together[1].tolist()


def test_edges_match_up_to_the_tolerance():
    labels = row((1, 10), (3, 10))
    assert edge_counts(labels, row((1, 13), (3, 7))) == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert edge_counts(labels, row((1, 14), (3, 6))) == [[1, 0, 1, 0], [1, 0, 1, 0]]
    assert edge_counts(labels, row((1, 14), (3, 6)), tolerance=4) == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert edge_counts(labels, row((1, 20))) == [[1, 0, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(("shift", "matched"), [((2, 2), 1), ((2, 3), 0), ((0, 3), 1)])
def test_edges_match_by_straight_distance(shift, matched):
    labels = np.ones((20, 20), np.uint8)
    labels[9, 9] = 3
    assert edge_counts(labels, np.roll(labels, shift, axis=(0, 1)))[1] == [1, matched, 1, matched]


def test_diagonal_neighbours_make_no_edge():
    labels = np.ones((3, 3), np.uint8)
    labels[2, 2] = 3
    assert edge_counts(labels, labels) == [[2, 2, 2, 2], [1, 1, 1, 1]]


def test_only_edges_of_the_same_class_match():
    counts = counts_of_one(row((1, 10), (3, 10)), row((2, 10), (3, 10)))
    assert counts.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize(("water", "matched"), [(8, 0), (9, 1), (13, 1), (15, 1), (16, 0)])
def test_closed_seam_has_an_edge_along_its_middle(water, matched):
    # A seam of 4 pixels, 10 to 13, so that water's last pixel is 11.
    labels, codes = row((1, 10), (0, 4), (3, 10)), row((1, water), (3, 24 - water))
    assert edge_counts(labels, codes) == [[1, matched, 1, matched]] * 2


@pytest.mark.parametrize(("width", "edges"), [(6, 1), (7, 0)])
def test_seams_are_closed_up_to_twice_the_tolerance(width, edges):
    labels, codes = row((1, 10), (0, width), (3, 10)), row((1, 13), (3, 7 + width))
    assert edge_counts(labels, codes) == [[edges] * 4] * 2


@pytest.mark.parametrize(("width", "judged"), [(3, 1), (4, 0)])
def test_strips_along_the_border_are_closed_up_to_the_tolerance(width, judged):
    labels = row((0, width), (1, 4), (3, 4), (0, width))
    codes = row((1, 4 + width), (3, 4 + width))
    assert edge_counts(labels, codes) == [[1, 1, judged, judged]] * 2


def test_unlabelled_ground_makes_no_edge_and_judges_none():
    # The map edge at the gap is not judged, the one far from it is wrong.
    labels, codes = row((1, 10), (0, 7), (3, 20)), row((1, 11), (3, 16), (1, 10))
    assert edge_counts(labels, codes) == [[0, 0, 1, 0], [0, 0, 1, 0]]


def test_map_edges_that_are_not_judged_find_label_edges():
    labels = row((0, 4), (1, 4), (3, 4), (0, 4))
    assert edge_counts(labels, labels.clip(1)) == [[1, 1, 0, 0], [1, 1, 0, 0]]


def test_map_edges_are_judged_only_where_no_label_edge_could_hide():
    # Water's edge could be 3 pixels off, which the 4th, unlabelled, would have to show.
    codes = row((1, 10), (3, 10))
    assert edge_counts(row((1, 13), (0, 7)), codes) == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert edge_counts(row((1, 14), (0, 6)), codes) == [[0, 0, 1, 0], [0, 0, 0, 0]]
    assert edge_counts(row((1, 15), (0, 5)), codes) == [[0, 0, 1, 0], [0, 0, 1, 0]]


def rasters(low):
    codes = st.integers(low, 3)
    return arrays(np.uint8, (9, 12), elements=codes, fill=st.just(low) | st.just(1))


def disk_centres():
    return arrays(bool, (9, 12), fill=st.just(False))


@given(rasters(1), disk_centres(), rasters(0), st.integers(1, 4))
def test_edges_are_matched_as_by_exact_distances(labels, centres, codes, tolerance):
    # Gaps made of whole disks are too wide to close.
    labels = labels * (distance_to(centres) > tolerance)
    drawn, mapped = (edge_pixels_one_by_one(raster) for raster in (labels, codes))
    judged = mapped & (distance_to(labels == 0) > tolerance + 1)
    for code, counts in enumerate(counts_of_one(labels, codes, tolerance=tolerance)):
        ours, theirs = drawn & (labels == code), mapped & (codes == code)
        right = judged & theirs & (distance_to(ours) <= tolerance)
        assert counts.tolist() == [
            ours.sum(),
            (ours & (distance_to(theirs) <= tolerance)).sum(),
            (judged & theirs).sum(),
            right.sum(),
        ]


def edge_pixels_one_by_one(raster):
    edge = np.zeros(raster.shape, bool)
    padded = np.pad(raster, 1)
    for (i, j), code in np.ndenumerate(raster):
        near = {padded[i, j + 1], padded[i + 2, j + 1], padded[i + 1, j], padded[i + 1, j + 2]}
        edge[i, j] = code > 0 and bool(near - {0, code})
    return edge


def distance_to(mask):
    return distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)


@given(rasters(1), rasters(1))
def test_labels_and_map_swapped_swap_recall_and_precision(labels, codes):
    # Fully labelled, so that all edges are judged.
    counts = counts_of_one(labels, codes)
    assert counts[:, [2, 3, 0, 1]].tolist() == counts_of_one(codes, labels).tolist()
