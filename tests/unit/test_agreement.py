"""Accuracies of remote sensing and Cohen's kappa, from confusion counts."""

import math

import numpy as np
import pytest

from ssc.classes import LandClass
from ssc.evaluation.agreement import accuracies, sum_confusions
from ssc.evaluation.boundaries import boundary_counts
from ssc.evaluation.scores import confusion_matrix, score_table


def test_accuracies_and_kappa_of_two_classes():
    """Cohen's kappa by hand: p_o = 35/50, p_e = (25 * 30 + 25 * 20) / 50^2 = 0.5."""
    users, producers, overall, kappa = accuracies(np.array([[20, 5], [10, 15]]))
    assert users == pytest.approx([20 / 30, 15 / 20])
    assert producers == pytest.approx([20 / 25, 15 / 25])
    assert overall == pytest.approx(0.7)
    assert kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))


def test_what_is_not_there_has_no_accuracy():
    users, producers, overall, kappa = accuracies(np.array([[4, 0], [0, 0]]))
    assert users[0] == producers[0] == overall == 1
    assert math.isnan(users[1]) and math.isnan(producers[1]) and math.isnan(kappa)


def test_confusions_of_images_are_summed_by_stage():
    classes = [LandClass(1, "Water"), LandClass(4, "Sand")]
    labels = np.array([[1, 1, 4, 0]], np.uint8)
    tables = []
    for stage, codes in (("CNN", [[1, 4, 4, 1]]), ("CNN", [[4, 4, 4, 1]]), ("MLP", [[1, 1, 4, 1]])):
        mapped = np.array(codes, np.uint8)
        boundary = boundary_counts(labels, [mapped], 5)[0]
        table = score_table(confusion_matrix(labels, mapped, 5), classes, boundary)
        tables.append(({"type": stage}, table))
    summed = sum_confusions(tables, classes, ["type"])
    assert summed.to_dict("split")["data"] == [
        ["CNN", "Water", "Water", 1],
        ["CNN", "Water", "Sand", 3],
        ["CNN", "Sand", "Water", 0],
        ["CNN", "Sand", "Sand", 2],
        ["MLP", "Water", "Water", 2],
        ["MLP", "Water", "Sand", 0],
        ["MLP", "Sand", "Water", 0],
        ["MLP", "Sand", "Sand", 1],
    ]
