"""What changes the results of a script changes its digest, and nothing else does."""

from pathlib import Path

import pytest

import code_digest
from code_digest import _read_module, digest_code

FILES = {
    "train.py": "from job import run_job\nfrom ssc.cnn.unet import build\n\nprint(build(1))\n",
    "job.py": "from ssc.errors import InputError\n",
    "plot.py": "import figures\n",
    "figures.py": "WIDTH = 1\n",
    "ssc/__init__.py": '"""The library."""\n',
    "ssc/errors.py": "class InputError(Exception):\n    pass\n",
    "ssc/classes.py": "CODES = 1\n",
    "ssc/unread.py": "X = 1\n",
    "ssc/io/__init__.py": "",
    "ssc/io/rasters.py": "def read():\n    return 1\n",
    "ssc/cnn/__init__.py": "",
    "ssc/cnn/unet.py": (
        '"""A U-Net."""\n\nfrom ..errors import InputError\nfrom ..io import rasters\n'
        "from .patches import cut\n\n\ndef build(size):\n"
        '    """Build it."""\n    from ..classes import CODES\n\n'
        "    return cut(rasters.read()) + size  # as published\n"
    ),
    "ssc/cnn/patches.py": "def cut(image):\n    return image\n",
}


@pytest.fixture
def digest(tmp_path):
    """Digest of a script where files are other than above."""
    copies = iter(range(100))

    def digest(changes=(), script="train.py"):
        folder = tmp_path / str(next(copies))
        for name, content in (FILES | dict(changes)).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        return digest_code(folder, script)

    return digest


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("train.py", "build(1)", "build(2)"),
        ("ssc/cnn/unet.py", "+ size", "- size"),
        # Imported through a package, from the one above, by its name in it, and in a function.
        ("ssc/cnn/patches.py", "return image", "return image[1:]"),
        ("ssc/io/rasters.py", "return 1", "return 2"),
        ("ssc/classes.py", "CODES = 1", "CODES = 2"),
        ("ssc/cnn/unet.py", "(size)", "(size=2)"),
    ],
)
def test_code_that_the_script_runs_changes_its_digest(digest, name, before, after):
    assert before in FILES[name]
    assert digest({name: FILES[name].replace(before, after)}) != digest()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("ssc/cnn/unet.py", "  # as published", ""),
        ("ssc/cnn/unet.py", '"""A U-Net."""', '"""Another text."""'),
        ("ssc/cnn/unet.py", '    """Build it."""\n', ""),
        ("ssc/cnn/unet.py", '"""A U-Net."""\n', ""),
        ("ssc/cnn/unet.py", "cut(rasters.read()) + size", "(\n        cut(rasters.read()) + size)"),
        ("ssc/cnn/patches.py", "    return", '    """Cut."""\n    return'),
        # Not imported, or no part of results.
        ("ssc/unread.py", "X = 1", "X = 2"),
        ("job.py", "\n", "\nN = 1\n"),
        ("ssc/errors.py", "pass", "# Of the user.\n    remedy = None"),
    ],
)
def test_what_results_do_not_depend_on_leaves_the_digest_as_it_is(digest, name, before, after):
    assert before in FILES[name]
    assert digest({name: FILES[name].replace(before, after)}) == digest()


def test_module_may_be_imported_by_its_name_alone(digest):
    assert digest({"figures.py": "WIDTH = 2\n"}, "plot.py") != digest(script="plot.py")


def test_modules_may_import_each_other(digest):
    circle = {"ssc/cnn/patches.py": "from .unet import build\n"}
    assert digest(circle) != digest()


def test_packages_of_the_library_hold_no_code():
    """Only then is it right that the digest leaves out what `__init__.py` holds."""
    scripts = Path(code_digest.__file__).parent
    for path in (scripts / "ssc").rglob("__init__.py"):
        assert _read_module(path, scripts) == _read_module(scripts / "ssc/__init__.py", scripts)


def test_every_training_script_depends_on_the_cnns():
    scripts = Path(code_digest.__file__).parent
    modules, todo = set(), [scripts / "train_cnn.py"]
    while todo:
        path = todo.pop()
        modules.add(path.relative_to(scripts).as_posix())
        todo += [p for p in _read_module(path, scripts)[1] if p not in todo]
        todo = [p for p in todo if p.relative_to(scripts).as_posix() not in modules]
    assert {"keras_setup.py", "ssc/cnn/unet.py", "ssc/cnn/tile_cnn.py", "ssc/io/rasters.py"} <= (
        modules
    )
    assert not {"job.py", "ssc/errors.py", "ssc/preflight.py"} & modules
