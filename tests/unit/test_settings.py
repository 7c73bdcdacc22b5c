"""Sections of the config become settings of the library."""

from dataclasses import dataclass, fields

import pytest
import yaml

from run import REPO
from settings import read_settings
from ssc.cnn.tile_cnn import TileCnnSettings
from ssc.cnn.unet import UNetSettings


@dataclass(frozen=True)
class Settings:
    size: int
    purity: float
    stride: int = 50


def test_settings_take_the_keys_of_their_names_and_others_come_first():
    first, second = {"size": 1, "purity": 0.9, "unread": 0}, {"size": 2}
    assert read_settings(Settings, first) == Settings(1, 0.9)
    assert read_settings(Settings, first, second) == Settings(2, 0.9)
    assert read_settings(Settings, first, second, size=3, stride=4) == Settings(3, 0.9, 4)


def test_missing_setting_is_an_error():
    with pytest.raises(TypeError, match="purity"):
        read_settings(Settings, {"size": 1})


def test_config_has_all_settings_of_both_kinds_of_cnn():
    schema = yaml.safe_load((REPO / "config/config.schema.yaml").read_text("utf-8"))
    shared = {*schema["properties"]["cnn"]["properties"]}
    for kind, definition, other in (
        (UNetSettings, "unet", set()),
        (TileCnnSettings, "tile_cnn", {"tile_size", "tile_stride", "purity"}),
    ):
        keys = shared | {*schema["$defs"][definition]["properties"]}
        assert {field.name for field in fields(kind)} <= keys | other
