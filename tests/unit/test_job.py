"""What every job does around its work."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest

import job

# Writes a file and a folder over and over, each time full of another letter.
WRITER = """
from itertools import cycle
from job import whole, whole_folder
print("begins", flush=True)
for letter in cycle("abc"):
    with whole("file.tif") as path:
        path.write_text(letter * 1_000_000)
    with whole_folder("folder") as path:
        for number in range(20):
            (path / f"{number}.tif").write_text(letter * 1_000)
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_opencv_keeps_to_the_threads_of_the_rule(tmp_path, threads):
    before = cv2.getNumThreads()
    with job.job(SimpleNamespace(log=[str(tmp_path / "log")], threads=threads)):
        assert cv2.getNumThreads() == threads
    cv2.setNumThreads(before)


def test_a_kill_at_any_moment_leaves_only_whole_files(tmp_path):
    found = set()
    for seed in range(40):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(job.__file__).parent)},
        )
        writer.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.1))
        writer.kill()
        writer.communicate()
        for path in tmp_path.glob("file.tif"):
            text = path.read_text()
            assert text == text[0] * 1_000_000
        if folder := list(tmp_path.glob("folder/*")):
            (text,) = {path.read_text() for path in folder}
            assert text == text[0] * 1_000
            assert len(folder) == 20
        found |= {path.name for path in tmp_path.iterdir()}
    # Some kills came while there was something to truncate.
    assert found >= {"file.tif", "folder", ".part-folder"}
