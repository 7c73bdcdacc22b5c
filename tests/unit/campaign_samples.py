"""Folders of campaigns for tests of what names alone tell."""

import pytest

from ssc.campaign import read_campaign
from ssc.errors import InputError


def fill(folder, *names):
    """Make a folder of empty files."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return str(folder)


def labelled(*images):
    """Names of images and of their label rasters."""
    return [f"{i}.jpg" for i in images] + [f"SCLS_{i}.tif" for i in images]


def problems_of(train, predict, groups="per_river"):
    """What read_campaign refuses."""
    with pytest.raises(InputError) as caught:
        read_campaign(train, predict, groups)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)
