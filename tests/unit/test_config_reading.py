"""The config: one set of defaults, documented, and guarded against slips."""

import json
from copy import deepcopy

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.utils import validate

from config_reading import find_conflicts, find_problems
from run import REPO

SCHEMA = yaml.safe_load((REPO / "config/config.schema.yaml").read_text("utf-8"))
SAMPLE = yaml.safe_load((REPO / "config/config.yaml").read_text("utf-8"))
PUBLISHED = yaml.safe_load((REPO / "config/published.yaml").read_text("utf-8"))
CAMPAIGN = {"train": "train", "predict": "predict"}
OWN = {"train": ["Ure"], "predict": ["Ure"]}
TRAINED = {"model": "ure.h5", "predict": ["Ure"]}


def complete(cnn):
    """The section cnn with all defaults."""
    config = {"campaign": dict(CAMPAIGN), "cnn": dict(cnn)}
    validate(config, str(REPO / "config/config.schema.yaml"))
    return config["cnn"]


def problems_of(**sections):
    return problems_in({"campaign": CAMPAIGN} | sections)


def problems_in(config):
    return find_problems(deepcopy(config), SCHEMA)


def groups(spec):
    return {"campaign": CAMPAIGN | {"groups": spec}}


def leaves(properties, path=()):
    """Key path and schema of every setting."""
    for name, schema in properties.items():
        if "properties" in schema and name != "cnn":
            yield from leaves(schema["properties"], (*path, name))
        elif name != "cnn":
            yield (*path, name), schema


def all_leaves(*kinds):
    yield from leaves(SCHEMA["properties"])
    yield from leaves(SCHEMA["properties"]["cnn"]["properties"], ("cnn",))
    for kind in kinds:
        yield from leaves(SCHEMA["$defs"][kind]["properties"], ("cnn",))


def shown_in(config, path):
    """The value of a key in a config file, and whether it is there."""
    for name in path:
        if name not in config:
            return None, False
        config = config[name]
    return config, True


def name_of_key(value):
    return ".".join(value) if isinstance(value, tuple) else ""


@pytest.mark.parametrize(("path", "schema"), [*all_leaves("unet", "tile_cnn")], ids=name_of_key)
def test_every_key_is_described_and_shown(path, schema):
    assert schema["description"]
    assert shown_in(SAMPLE, path)[1] or shown_in(PUBLISHED, path)[1]


# The sample campaign has images, and they are small.
OF_SAMPLE = {
    *(("campaign", "train"), ("campaign", "predict"), ("classes",)),
    *(("cnn", "steps"), ("cnn", "patch_size"), ("refine", "min_pixels")),
}


@pytest.mark.parametrize(("path", "schema"), [*all_leaves("unet")], ids=name_of_key)
def test_sample_shows_the_defaults(path, schema):
    value, is_shown = shown_in(SAMPLE, path)
    if path == ("classes",):
        assert {str(code): c for code, c in value.items()} == schema["default"]
    elif is_shown and path not in OF_SAMPLE:
        # Some defaults of the U-Net depend on its encoder.
        assert value == (schema["default"] if "default" in schema else complete({})[path[1]])


def test_defaults_of_the_u_net_depend_on_its_encoder():
    keys = ("steps", "channels", "learning_rate", "encoder_learning_rate", "cutmix", "weights")

    def defaults(encoder):
        cnn = complete({"encoder": encoder})
        return [cnn.get(key) for key in keys]

    pretrained = [200, [64, 96, 128, 160], 0.001, 0.0002, 0.5]
    assert defaults("plain") == [1800, [64, 128, 256], 0.003, None, 0, None]
    assert defaults("efficientnet_lite2") == [*pretrained, None]
    assert defaults("ResNet50") == [*pretrained, "imagenet"]


@pytest.mark.parametrize(
    ("cnn", "problem"),
    [
        ({"weights": "imagenet"}, "cnn.weights: None was expected. Only encoders of keras.app"),
        (
            {"encoder": "plain", "encoder_learning_rate": 0.1},
            "cnn.encoder_learning_rate: None was expected. The plain encoder learns at",
        ),
        ({"encoder": "plain", "channels": [8] * 4}, "is too long. The plain encoder has two or"),
    ],
)
def test_a_key_that_the_encoder_does_not_read_is_refused(cnn, problem):
    (line,) = problems_of(cnn=cnn)
    assert problem in line


def readme_rows(section):
    """Rows of the tables of a section of config/README.md, by key: the other cells."""
    text = (REPO / "config/README.md").read_text("utf-8")
    for part in text.split("\n## ")[1:]:
        if section in part.splitlines()[0]:
            for line in part.splitlines():
                if line.startswith("| `"):
                    name, *cells = [cell.strip() for cell in line.strip("|").split(" | ")]
                    yield name.strip("` "), cells


@pytest.mark.parametrize(("path", "schema"), [*all_leaves("unet", "tile_cnn")], ids=name_of_key)
def test_every_key_is_documented_with_its_default(path, schema):
    name = ".".join(path[1:] or path)
    rows = [cells for key, cells in readme_rows(path[0]) if key == name]
    defaults = [cells[0] for cells in rows]
    if "default" in schema and path != ("classes",):
        default = schema["default"]
        text = default if isinstance(default, str) else json.dumps(default)
        assert f"`{text}`" in defaults
    else:
        assert rows


@pytest.mark.parametrize("config", [SAMPLE, PUBLISHED])
def test_configs_of_the_repository_have_no_problem(config):
    assert find_problems(deepcopy(config), SCHEMA) == []


def test_schema_is_one_and_its_defaults_fit_it():
    Draft202012Validator.check_schema(SCHEMA)
    for _, schema in all_leaves("unet", "tile_cnn"):
        if "default" in schema:
            full = {"$defs": SCHEMA["$defs"], **schema}
            assert Draft202012Validator(full).is_valid(schema["default"])


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"resutls": "x"}, "config: no such key resutls; did you mean results?"),
        ({"figures": {"widht": 9}}, "figures: no such key widht; did you mean width?"),
        ({"cnn": {"step": 30}}, "cnn: no such key step; did you mean steps?"),
        ({"figures": {"x": 9}}, "figures: no such key x; known: width, in_report"),
        (
            {"cnn": {"architecture": "compact", "epocs": 3}},
            "cnn: no such key epocs; did you mean epochs?",
        ),
        (
            {"cnn": {"epochs": "auto"}},
            "cnn.epochs: only tile CNNs read this key, and cnn.architecture is unet; remove it or "
            "change cnn.architecture",
        ),
        (
            {"cnn": {"architecture": "NASNetLarge", "steps": 30}},
            "cnn.steps: only the U-Net reads this key, and cnn.architecture is NASNetLarge; "
            "remove it or change cnn.architecture",
        ),
        (
            {"tiles": {"size": 50, "purity": 0.8, "predict_stride": 25}},
            "tiles: only tile CNNs read this section, and cnn.architecture is unet; remove purity, "
            "predict_stride or change cnn.architecture",
        ),
        ({"cnn": {"steps": "many"}}, "cnn.steps: 'many' is not of type 'integer'. "),
        (
            {"cnn": {"architecture": "compact", "epochs": "many"}},
            "cnn.epochs: 'many' is not one of ['auto']",
        ),
        ({"refine": {"method": "svm"}}, "refine.method: 'svm' is not one of"),
        ({"refine": {"median_size": 10}}, "refine.median_size: 10"),
        ({"refine": {"hidden_layers": "deeep"}}, "refine.hidden_layers: 'deeep' is not one of"),
        ({"seed": 2**32}, "seed: 4294967296 is greater than the maximum"),
        ({"results": "a{b}"}, "results: 'a{b}' does not match"),
        (
            {"classes": {0: {"name": "a", "colour": "red"}, 1: {"name": "b", "colour": "r"}}},
            "to 255",
        ),
        (groups({"..": OWN}), "campaign.groups: '..' does not match"),
        (groups({2019: OWN}), "put a number in quotes"),
        (groups("per_rivver"), "campaign.groups: 'per_rivver' is not one of"),
        (groups({"a": {"train": ["Ure"]}}), "campaign.groups.a: 'predict' is a required property"),
        (groups(["per_river", {"a": TRAINED | {"modle": "b"}}]), "did you mean model?"),
        ({"campaign": CAMPAIGN | {"folds": 1}}, "campaign.folds: 1 is less than the minimum of 2"),
        ({"campaign": None}, "campaign: None is not of type 'object'"),
        ({"cnn": [1]}, "cnn: [1] is not of type 'object'"),
        ({"cnn": {"architecture": 7}}, "cnn.architecture: 7 is not of type 'string'"),
    ],
)
def test_wrong_key_is_named_with_the_remedy(sections, message):
    (problem,) = problems_of(**sections)
    assert problem.startswith(message) or (message in problem and ":" not in message)


def test_all_wrong_keys_are_named_at_once():
    sections = {
        "campaign": CAMPAIGN,
        "seed": "x",
        "cnn": {"batch": 3, "epochs": 2},
        "refine": {"epochs": 0},
        3: 4,
    }
    assert sorted(problem.split(". ")[0] for problem in problems_in(sections)) == [
        "cnn.epochs: only tile CNNs read this key, and cnn.architecture is unet; remove it or "
        "change cnn.architecture",
        "cnn: no such key batch; did you mean batch_size?",
        "config: no such key 3; known: campaign, results, experiment, seed, allow_cpu_fallback, "
        "classes, tiles, cnn, refine, baselines, suggest_labels, check_points, polygons, figures",
        "refine.epochs: 0 is less than the minimum of 1",
        "seed: 'x' is not of type 'integer', 'array'",
    ]


def test_config_without_a_campaign_is_refused():
    (problem,) = find_problems({"seed": 7}, SCHEMA)
    assert problem.startswith("config: 'campaign' is a required property")


@pytest.mark.parametrize(
    "sections",
    [
        {"tiles": {"size": 50, "purity": 0.9}},
        {"tiles": {"size": 40}, "cnn": {"architecture": "compact"}},
        {"tiles": {"predict_stride": 25}, **groups({"own": OWN, "old": TRAINED})},
        {"tiles": {"predict_stride": 25}, **groups(["per_river", {"old": TRAINED}])},
    ],
)
def test_tiles_may_be_set_where_a_cnn_takes_tiles(sections):
    assert problems_of(**sections) == []


@pytest.mark.parametrize("spec", ["per_river", {"own": OWN}, ["per_river", {"own": OWN}]])
def test_tiles_may_not_be_set_where_all_groups_train_a_unet(spec):
    (problem,) = problems_of(tiles={"size": 40}, **groups(spec))
    assert problem.startswith("tiles: only tile CNNs read this section")


def with_defaults(**sections):
    """A config as Snakemake fills it up."""
    config = {"campaign": CAMPAIGN}
    for name in ("tiles", "refine", "check_points"):
        keys = SCHEMA["properties"][name]["properties"]
        config[name] = {key: schema["default"] for key, schema in keys.items()}
    config["cnn"] = {"architecture": "unet"}
    config["classes"] = SCHEMA["properties"]["classes"]["default"]
    return {name: values | sections.get(name, {}) for name, values in config.items()}


def test_defaults_have_no_conflict():
    assert find_conflicts(with_defaults()) == []
    assert find_conflicts(with_defaults(cnn={"architecture": "compact"})) == []


@pytest.mark.parametrize(
    ("sections", "allowed", "message"),
    [
        (
            {"cnn": {"architecture": "compact"}, "tiles": {"size": 40, "predict_stride": 41}},
            {"tiles": {"size": 40, "predict_stride": 40}},
            "tiles.predict_stride: 41 px leaves gaps between tiles of 40 px; set it to 40 or less",
        ),
        (
            {"refine": {"min_tiles": 2}},
            {"refine": {"min_tiles": 2}, "cnn": {"architecture": "compact"}},
            "refine.min_tiles: a U-Net has no tiles; set it to 0, or cnn.architecture to a tile "
            "CNN",
        ),
        (
            {"refine": {"entropy": True, "colour_bits": 7}},
            {"refine": {"entropy": False, "colour_bits": 7}},
            "refine.colour_bits: more than 6 make too many colours with refine.entropy; set it to "
            "6 or less",
        ),
        (
            {"check_points": {"n": 9}},
            {"check_points": {"n": 10}},
            "check_points.n: 9 points are too few for 5 classes; set it to 10 at least, better 250",
        ),
        (
            {"check_points": {"answers": ["a.csv"]}},
            {"check_points": {"answers": ["a.csv"], "n": 500}},
            "check_points.n: 0 draws no points that answers could belong to; set it to the number "
            "that was drawn",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(sections, allowed, message):
    assert find_conflicts(with_defaults(**sections)) == [message]
    assert find_conflicts(with_defaults(**allowed)) == []
    assert find_conflicts(with_defaults(refine={"entropy": True, "colour_bits": 6})) == []
