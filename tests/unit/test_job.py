"""What every job does around its work."""

from types import SimpleNamespace

import cv2
import pytest

from job import job


@pytest.mark.parametrize("threads", [1, 3])
def test_opencv_keeps_to_the_threads_of_the_rule(tmp_path, threads):
    before = cv2.getNumThreads()
    with job(SimpleNamespace(log=[str(tmp_path / "log")], threads=threads)):
        assert cv2.getNumThreads() == threads
    cv2.setNumThreads(before)
