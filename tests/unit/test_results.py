"""Files of jobs are complete or not there, and recorded."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import results
from results import atomic_path, is_complete, open_batch, recorded_files
from ssc.io.rasters import RasterGeometry, create_class_raster
from ssc.io.windows import Window

# Makes batch after batch, each of three files of its own letter and 1 MB, written bit by bit.
WRITER = """
from itertools import count
from results import open_batch
print("begins", flush=True)
for number in count():
    with open_batch(f"cnn/batches/{number}.csv") as batch:
        for part in range(3):
            with batch.file(f"{number}_{part}.tif") as path:
                with open(path, "w") as file:
                    for _ in range(20):
                        file.write(chr(97 + number % 26) * 50_000)
"""


@pytest.fixture
def record(tmp_path):
    """The record of a batch that is yet to be made."""
    (tmp_path / "cnn/batches").mkdir(parents=True)
    return tmp_path / "cnn/batches/Ure_0001.csv"


def names_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_file_takes_its_place_only_once_it_is_written(tmp_path):
    target = tmp_path / "map.tif"
    target.write_text("before")
    with atomic_path(target) as path:
        path.write_text("after")
        # Programs tell the format by the suffix.
        assert (path.parent, path.suffix) == (tmp_path, ".tif")
        assert target.read_text() == "before"
    assert names_in(tmp_path) == ["map.tif"]
    assert target.read_text() == "after"


def test_failed_writer_leaves_the_file_as_it_was(tmp_path):
    target = tmp_path / "map.tif"
    target.write_text("before")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "before"
    # What is left of it is not taken for the begin of the next.
    with atomic_path(target) as path:
        assert not path.exists()
        path.write_text("after")
    assert names_in(tmp_path) == ["map.tif"]


def test_record_names_files_and_sizes_and_comes_last(record):
    with open_batch(str(record)) as batch:
        for name, content in (("CNN_Hérault, a_0001.tif", "abc"), ("empty_0001.tif", "")):
            with batch.file(name) as path:
                path.write_text(content)
            assert (record.parents[1] / name).read_text() == content
        assert not record.exists()
    assert recorded_files(record) == [
        (record.parents[1] / "CNN_Hérault, a_0001.tif", 3),
        (record.parents[1] / "empty_0001.tif", 0),
    ]
    assert is_complete(record)


def test_class_names_go_with_their_raster(record, classes):
    with (
        open_batch(str(record)) as batch,
        batch.file("CNN_Ure_0001.tif") as path,
        create_class_raster(path, RasterGeometry(4, 4), classes) as target,
    ):
        target.write(Window(0, 0, 4, 4), np.ones((4, 4), np.uint8))
    folder = record.parents[1]
    assert names_in(folder) == [
        "CNN_Ure_0001.tif",
        "CNN_Ure_0001.tif.aux.xml",
        "batches/Ure_0001.csv",
    ]
    assert "Sediment" in (folder / "CNN_Ure_0001.tif.aux.xml").read_text()


def test_failed_batch_has_no_record(record):
    with pytest.raises(ZeroDivisionError), open_batch(str(record)) as batch:
        with batch.file("a.tif") as path:
            path.write_text("a")
        with batch.file("b.tif") as path:
            path.write_text("b")
            raise ZeroDivisionError
    assert names_in(record.parents[1]) == ["a.tif"]
    assert not is_complete(record)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=3)), st.data())
def test_batch_is_complete_until_a_file_changes_its_size(tmp_path_factory, contents, data):
    folder = tmp_path_factory.mktemp("cnn")
    record = folder / "batches/Ure_0001.csv"
    record.parent.mkdir()
    with open_batch(str(record)) as batch:
        for name, content in contents.items():
            with batch.file(name) as path:
                path.write_bytes(content)
    assert is_complete(record)
    if contents:
        name = data.draw(st.sampled_from(sorted(contents)))
        content = data.draw(st.none() | st.binary(max_size=3))
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        same = content is not None and len(content) == len(contents[name])
        assert is_complete(record) == same


@given(st.binary(max_size=40) | st.text('a,1\n\r"é', max_size=12).map(str.encode))
def test_any_other_file_is_no_complete_record(tmp_path_factory, content):
    record = tmp_path_factory.mktemp("cnn") / "batches.csv"
    record.write_bytes(content)
    assert not is_complete(record)
    record.write_bytes(b"file,bytes\r\nabsent.tif," + content)
    assert not is_complete(record)


def test_a_kill_at_any_moment_leaves_complete_files_and_true_records(tmp_path):
    (tmp_path / "cnn/batches").mkdir(parents=True)
    unrecorded = 0
    for seed in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(results.__file__).parent)},
        )
        writer.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.05))
        writer.kill()
        writer.communicate()
        files = list(tmp_path.glob("cnn/[0-9]*.tif"))
        for path in files:
            text = path.read_text()
            assert text == text[0] * 1_000_000
        records = list(tmp_path.glob("cnn/batches/[0-9]*.csv"))
        assert all(is_complete(record) for record in records)
        assert all(len(recorded_files(record)) == 3 for record in records)
        unrecorded += 3 * len(records) != len(files)
        for path in [*files, *records]:
            path.unlink()
    # Some kills came within a batch.
    assert unrecorded
