"""What is wrong with a config, key by key, in words that say how to correct it.

    python workflow_scripts/config_reading.py CONFIG_FILE

tells the lines of a file that Snakemake cannot read.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

# Values of a config file with all its aliases written out.
MAX_VALUES = 100_000


def find_file_problems(path: str) -> list[str]:
    """List what keeps a config file from being read, or what YAML passes over in silence.

    The latter are keys given twice, and aliases of aliases.

    Parameters
    ----------
    path : str

    Returns
    -------
    list of str
        With path and line.
    """
    try:
        content = Path(path).read_bytes()
        root = yaml.compose(content.decode("utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        return [f"{path}: {error.strerror}; give yours by --configfile"]
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [f"{path}, line {line}: is not in UTF-8; save the file in that encoding"]
    except yaml.YAMLError as error:
        return _explain_syntax(path, content, error)
    problems: list[str] = []
    sizes: dict[int, float] = {}

    def size(node) -> float:
        if id(node) in sizes:
            return sizes[id(node)]
        # Met again while its parts are counted, it is a part of itself.
        sizes[id(node)] = math.inf
        parts = []
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            seen: set[str] = set()
            for key in keys:
                if key.value in seen:
                    line = key.start_mark.line + 1
                    problems.append(
                        f"{path}, line {line}: key {key.value} is there twice; remove one"
                    )
                seen.add(key.value)
        sizes[id(node)] = 1 + sum(map(size, parts))
        return sizes[id(node)]

    if size(root) > MAX_VALUES:
        problems.append(
            f"{path}: has more than {MAX_VALUES} values by its aliases (*); write them out"
        )
    return problems


def _explain_syntax(path: str, content: bytes, error: yaml.YAMLError) -> list[str]:
    """Where YAML cannot go on; nothing where the file is JSON, with tabs for example."""
    with suppress(ValueError):
        json.loads(content)
        return []
    if isinstance(error, yaml.MarkedYAMLError):
        line, what = error.problem_mark.line, error.problem
        if error.context:
            what += f", {error.context} of line {error.context_mark.line + 1}"
    else:
        line, what = content[: error.position].count(b"\n"), error.reason
    return [f"{path}, line {line + 1}: is no YAML ({what}); correct it"]


def complete_config(**sections: Any) -> dict[str, Any]:
    """Add all defaults of the schema to sections of a config."""
    # Slow to import.
    from snakemake.utils import validate

    config = {"campaign": {"predict": []}} | sections
    validate(config, Path(__file__).parents[1] / "config/config.schema.yaml")
    return config


def find_problems(config: dict[str, Any], schema: Mapping) -> list[str]:
    """List the keys that the schema refuses, one line each.

    The codes of classes, and those in remap, become text: YAML reads them as numbers, JSON schema
    knows keys of text only.

    Parameters
    ----------
    config : dict
        As the user wrote it, without defaults.
    schema : mapping

    Returns
    -------
    list of str
    """
    if isinstance(config.get("classes"), dict):
        config["classes"] = {str(code): c for code, c in config["classes"].items()}
    campaign = config.get("campaign")
    if isinstance(campaign, dict) and isinstance(campaign.get("remap"), dict):
        campaign["remap"] = {str(code): to for code, to in campaign["remap"].items()}
    validator = Draft202012Validator(schema)
    # JSON schema compares a number with its bounds, and every comparison with NaN is false.
    problems = [
        f"{key}: {value} is no number that can be used; give a finite one"
        for key, value in _numbers(config, "")
        if not math.isfinite(value)
    ]
    problems += [line for e in validator.iter_errors(config) for line in _explain(e, schema)]
    return problems or [*_find_unread_tiles(config, schema)]


def find_conflicts(config: Mapping[str, Any]) -> list[str]:
    """List the keys of a valid config that contradict each other.

    Parameters
    ----------
    config : mapping
        With all defaults.

    Returns
    -------
    list of str
    """
    cnn, tiles, refine = config["cnn"], config["tiles"], config["refine"]
    problems = []
    if tiles["predict_stride"] > tiles["size"]:
        problems.append(
            f"tiles.predict_stride: {tiles['predict_stride']} px leaves gaps between tiles of "
            f"{tiles['size']} px; set it to {tiles['size']} or less"
        )
    if cnn["architecture"] == "unet" and refine["min_tiles"]:
        problems.append(
            "refine.min_tiles: a U-Net has no tiles; set it to 0, or cnn.architecture to a tile CNN"
        )
    if refine["entropy"] and refine["colour_bits"] > 6:
        problems.append(
            "refine.colour_bits: more than 6 make too many colours with refine.entropy; set it to "
            "6 or less"
        )
    points, n_classes = config["check_points"], len(config["classes"])
    if 0 < points["n"] < 2 * n_classes:
        problems.append(
            f"check_points.n: {points['n']} points are too few for {n_classes} classes; set it to "
            f"{2 * n_classes} at least, better {50 * n_classes}"
        )
    if points["answers"] and not points["n"]:
        problems.append(
            "check_points.n: 0 draws no points that answers could belong to; set it to the number "
            "that was drawn"
        )
    return problems


def _numbers(item: Any, key: str) -> Iterator[tuple[str, float]]:
    """Numbers with decimals of a config, by their key."""
    if isinstance(item, float):
        yield key, item
    elif isinstance(item, Mapping | list):
        pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
        for name, value in pairs:
            yield from _numbers(value, f"{key}.{name}" if key else str(name))


def _find_unread_tiles(config: Mapping[str, Any], schema: Mapping) -> Iterator[str]:
    """A line where the tiles of a valid config are set, but no CNN takes tiles."""
    groups = config["campaign"].get("groups", [])
    specs = groups if isinstance(groups, list) else [groups]
    own = [group for spec in specs if isinstance(spec, Mapping) for group in spec.values()]
    is_unet = config.get("cnn", {}).get("architecture", "unet") == "unet"
    if not is_unet or any("model" in group for group in own):
        return
    keys = schema["properties"]["tiles"]["properties"]
    names = [k for k, v in config.get("tiles", {}).items() if v != keys[k]["default"]]
    if names:
        yield (
            f"tiles: only tile CNNs read this section, and cnn.architecture is unet; remove "
            f"{', '.join(names)} or change cnn.architecture"
        )


def _explain(error: ValidationError, schema: Mapping) -> Iterator[str]:
    """Lines for one error of the schema: a key that is not known has one of its own."""
    key = ".".join(map(str, error.absolute_path)) or "config"
    if error.validator not in ("additionalProperties", "unevaluatedProperties"):
        yield f"{key}: {error.message}. {error.schema.get('description', '')}"
        return
    known = [*error.schema.get("properties", {})]
    elsewhere: Mapping[str, Any] = {}
    if key == "cnn":
        architecture = error.instance.get("architecture", "unet")
        is_unet = architecture == "unet"
        own, other = ("unet", "tile_cnn") if is_unet else ("tile_cnn", "unet")
        known += schema["$defs"][own]["properties"]
        elsewhere = schema["$defs"][other]["properties"]
    for name in sorted(set(error.instance) - set(known), key=str):
        if name in elsewhere:
            readers = "tile CNNs read" if is_unet else "the U-Net reads"
            yield (
                f"cnn.{name}: only {readers} this key, and cnn.architecture is {architecture}; "
                "remove it or change cnn.architecture"
            )
            continue
        near = get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        yield f"{key}: no such key {name}; {hint}"


if __name__ == "__main__":
    sys.exit("\n".join(problem for path in sys.argv[1:] for problem in find_file_problems(path)))
