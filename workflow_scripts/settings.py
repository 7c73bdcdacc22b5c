"""Sections of the config as settings of the library, and the key of the config that each is."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

# What the library calls a setting, and what a user calls it.
CONFIG_KEYS = {
    "architecture": "cnn.architecture",
    "encoder": "cnn.encoder",
    "channels": "cnn.channels",
    "weights": "cnn.weights",
    "trainable_layers": "cnn.trainable_layers",
    "epochs": "cnn.epochs",
    "tile_stride": "tiles.predict_stride",
    "colour_bits": "refine.colour_bits",
    "remap": "campaign.remap",
    "minimum_mapping_unit": "polygons.minimum_mapping_unit",
}


def read_settings(kind: type, *sections: Mapping[str, Any], **others: Any) -> Any:
    """Make settings of a kind from the keys of config sections that bear their names.

    Parameters
    ----------
    kind : type
        A dataclass of the library.
    *sections : mapping
        Of the config; keys of other names are left out.
    **others
        Settings that no section has, or other values for them.

    Returns
    -------
    An object of that kind.
    """
    values = {key: value for section in sections for key, value in section.items()} | others
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in values.items() if name in names})
