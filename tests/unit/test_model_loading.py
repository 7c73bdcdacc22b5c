import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from ssc.cnn.model_loading import is_unet, load_model
from ssc.cnn.tile_cnn import build_tile_cnn
from ssc.cnn.unet import build_unet
from ssc.errors import InputError

L = tf_keras.layers

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def as_trained(model):
    """The model with weights of its own in every place, moving statistics included."""
    rng = np.random.default_rng(42)

    def trained(weight):
        if "variance" in weight.name or "gamma" in weight.name:
            return rng.uniform(0.5, 1.5, weight.shape)
        fan_in = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 25
        return rng.normal(0, 1.5 / fan_in**0.5, weight.shape)

    model.set_weights([trained(weight) for weight in model.weights])
    return model


def saved(model, path):
    """Save a trained model; random tiles and its scores for them."""
    model.save(path)
    rng = np.random.default_rng(1)
    # Tiles of different colours.
    tiles = rng.random((5, *model.input_shape[1:])) * rng.random((5, 1, 1, 3))
    scores = model.predict(tiles, verbose=0)
    assert scores.std(axis=0).max() > 0.01
    return tiles, scores


def assert_loads_as(path, tiles, scores):
    before = path.read_bytes()
    loaded = load_model(path).predict(tiles, verbose=0)
    np.testing.assert_allclose(loaded, scores, atol=1e-5)
    assert path.read_bytes() == before


def published_cnn():
    base = tf_keras.applications.NASNetMobile(
        include_top=False, weights=None, input_shape=(50, 50, 3)
    )
    for layer in base.layers:
        layer.trainable = any(
            f"separable_conv_2_normal_{s}2" in layer.name for s in ("left", "right")
        )
    l2 = tf_keras.regularizers.l2(1e-3)
    head = [
        L.Flatten(),
        L.Dense(256, activation="relu", kernel_regularizer=l2),
        L.Dropout(0.5),
        L.Dense(128, activation="relu", kernel_regularizer=l2),
        L.Dense(6, activation="softmax"),
    ]
    model = tf_keras.Sequential([base, *head])
    model.compile(tf_keras.optimizers.Adam(1e-3, amsgrad=True), "categorical_crossentropy")
    return model


def base_cnn(name):
    """A base with two branches that only their names tell apart."""
    x = inputs = L.Input((12, 12, 3))
    for block in range(2):
        x = L.ZeroPadding2D(((0, 1), (1, 0)))(x)
        left, right = (L.SeparableConv2D(4, 3, name=f"{name}/{block}{side}")(x) for side in "lr")
        left = L.LeakyReLU(0.1)(L.BatchNormalization()(left))
        right = L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(right))
        x = L.Add()([left, L.ReLU(6.0)(right)])
    return tf_keras.Model(inputs, x, name=name)


def plain_cnn():
    layers = [
        L.Conv2D(4, 3, input_shape=(12, 12, 3)),
        L.BatchNormalization(trainable=False),
        L.MaxPooling2D(),
        L.Conv2DTranspose(3, 2),
        L.GroupNormalization(1),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    ]
    return tf_keras.Sequential(layers)


def partly_frozen_cnn():
    base = base_cnn("base")
    # A frozen model, some of whose layers are not.
    base.trainable = False
    for layer in base.layers[3:9]:
        layer.trainable = True
    return tf_keras.Sequential([base, L.Flatten(), L.Dense(3, activation="softmax")])


def functional_cnn():
    inputs = L.Input((12, 12, 3))
    scaling = tf_keras.Sequential([L.Rescaling(2, offset=-1), L.Conv2D(3, 1)])
    base = base_cnn("base")
    head = tf_keras.Sequential([L.GlobalMaxPooling2D(), L.Dense(3, activation="softmax")])
    # The base is called twice.
    x = L.Concatenate()([base(scaling(inputs)), base(inputs)])
    return tf_keras.Model(inputs, head(x))


def test_published_cnn_of_keras_2_gives_the_same_scores_in_keras_3(tmp_path):
    path = tmp_path / "nasnet.h5"
    assert_loads_as(path, *saved(as_trained(published_cnn()), path))


@pytest.mark.parametrize("suffix", ["h5", "hdf5", "keras"])
@pytest.mark.parametrize("build", [plain_cnn, partly_frozen_cnn, functional_cnn])
def test_model_of_keras_2_gives_the_same_scores_in_keras_3(build, suffix, tmp_path):
    path = tmp_path / f"model.{suffix}"
    assert_loads_as(path, *saved(as_trained(build()), path))


def as_of_keras_2_2(item):
    """A configuration of today's tf_keras as those of TensorFlow 1 and its Keras were."""
    if isinstance(item, list):
        return [as_of_keras_2_2(part) for part in item]
    if not isinstance(item, dict):
        return item
    item = {key: as_of_keras_2_2(value) for key, value in item.items()}
    if "class_name" not in item:
        return item
    for key in ("module", "registered_name", "build_config"):
        item.pop(key, None)
    config = item["config"]
    config.pop("ragged", None)
    for key in config.keys() & {"kernel_initializer", "depthwise_initializer"}:
        scaling = dict(scale=2.0, mode="fan_in", distribution="normal", seed=None, dtype="float32")
        config[key] = dict(class_name="VarianceScaling", config=scaling)
    if "padding" in config and isinstance(config["padding"], list):
        config["padding"] = {"class_name": "__tuple__", "items": config["padding"]}
    renamed = {"Functional": "Model", "BatchNormalization": "BatchNormalizationV1"}
    item["class_name"] = renamed.get(item["class_name"], item["class_name"])
    if item["class_name"] == "Sequential":
        item["config"] = [
            layer for layer in config["layers"] if layer["class_name"] != "InputLayer"
        ]
    return item


@pytest.mark.parametrize("build", [plain_cnn, partly_frozen_cnn])
def test_model_of_keras_2_2_gives_the_same_scores_in_keras_3(build, tmp_path):
    path = tmp_path / "model.h5"
    expected = saved(as_trained(build()), path)
    with h5py.File(path, "r+") as file:
        config = as_of_keras_2_2(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(config).encode()
        file.attrs["keras_version"] = np.bytes_(b"2.2.4-tf")
    assert_loads_as(path, *expected)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_model_of_keras_3_gives_the_same_scores(suffix, tmp_path):
    path = tmp_path / f"model.{suffix}"
    layers = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    base = keras.Model(inputs, layers.Conv2D(2, 3)(x))
    # Keras 3 orders the weights of a frozen model otherwise than Keras 2.
    base.trainable = False
    base.layers[2].trainable = True
    model = keras.Sequential([base, layers.Flatten(), layers.Dense(3)])
    # A loss of its own is not needed, and not run.
    model.compile("adam", loss=lambda truth, scores: scores)
    assert_loads_as(path, *saved(as_trained(model), path))


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_cnn_of_this_workflow_with_a_frozen_base_gives_the_same_scores(suffix, tmp_path):
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    as_trained(base).save(tmp_path / "base.keras")
    model = build_tile_cnn("MobileNetV2", str(tmp_path / "base.keras"), ["block_16_project"], 32, 3)
    tiles = 255 * np.random.default_rng(1).random((3, 32, 32, 3))
    model.save(tmp_path / f"model{suffix}")
    assert_loads_as(tmp_path / f"model{suffix}", tiles, model.predict(tiles, verbose=0))


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("library", [tf_keras, keras])
@pytest.mark.parametrize("layer", ["Lambda", "Activation"])
def test_code_in_a_model_never_runs(layer, library, suffix, tmp_path):
    path, trace = tmp_path / f"model.{suffix}", tmp_path / "trace"
    layers = library.layers
    mine = getattr(layers, layer)(
        lambda x, trace=str(trace): (open(trace, "w").close(), x)[1], name="mine"
    )
    base = library.Sequential([layers.Input((2, 2, 3)), mine])
    library.Sequential([layers.Input((2, 2, 3)), base, layers.Flatten()]).save(path)
    mine(np.zeros((1, 2, 2, 3)))
    trace.unlink()
    with pytest.raises(InputError, match=r"code of its own \(layer mine of class \w+\)"):
        load_model(path)
    assert not trace.exists()


class Mine(L.Layer):
    pass


class Dense(L.Dense):
    """Named as one of Keras."""


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_layer_of_a_class_of_its_own_is_refused(suffix, tmp_path):
    path = tmp_path / f"model.{suffix}"
    tf_keras.Sequential([L.Input((2, 2, 3)), L.Flatten(), Mine(name="odd")]).save(path)
    with pytest.raises(InputError, match=r"model\.\w+: .*layer odd of class Mine"):
        load_model(path)


def test_layer_that_goes_by_a_name_of_keras_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    tf_keras.Sequential([L.Input((2, 2, 3)), L.Flatten(), Dense(2, name="odd")]).save(path)
    with pytest.raises(InputError, match="layer odd of class Dense"):
        load_model(path)


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_file_that_is_no_complete_model_is_refused(suffix, tmp_path):
    path = tmp_path / f"model.{suffix}"
    with pytest.raises(InputError, match="no such file"):
        load_model(path)
    path.write_text("<html>")
    with pytest.raises(InputError, match="not a Keras model"):
        load_model(path)
    plain_cnn().save(path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match="truncated"):
        load_model(path)


def test_damage_among_the_weights_is_reported(tmp_path):
    path = tmp_path / "model.h5"
    plain_cnn().save(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    with pytest.raises(InputError, match=r"model\.h5: Keras 3.* cannot load it"):
        load_model(path)


def test_model_without_a_size_of_its_own_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)]).save(path)
    with pytest.raises(InputError, match="has no defined inputs"):
        load_model(path)


def test_file_of_weights_is_refused(tmp_path):
    path = tmp_path / "weights.h5"
    plain_cnn().save_weights(path)
    with pytest.raises(InputError, match="weights only; save the whole model"):
        load_model(path)


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ((8, 6, 3), [L.Flatten()]),
        ((8, 8, 4), [L.Flatten()]),
        ((None, None, 3), [L.GlobalMaxPooling2D()]),
        ((8, 8, 3), [L.ReLU()]),
    ],
)
def test_model_that_is_no_tile_cnn_is_refused(shape, layers, tmp_path):
    path = tmp_path / "model.h5"
    tf_keras.Sequential([L.Input(shape), *layers]).save(path)
    with pytest.raises(InputError, match=r"a tile CNN maps \(None, size, size, 3\)"):
        load_model(path)


def test_unet_of_this_workflow_is_loaded_and_others_are_refused(tmp_path):
    model = build_unet("plain", None, [8, 8], 3)
    model.save(tmp_path / "unet.h5")
    loaded = load_model(tmp_path / "unet.h5")
    assert is_unet(loaded)
    pixels = 255 * np.random.default_rng(1).random((1, 16, 24, 3))
    np.testing.assert_allclose(loaded.predict(pixels, verbose=0), model.predict(pixels, verbose=0))
    keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(3, 1)]).save(
        tmp_path / "other.h5"
    )
    with pytest.raises(InputError, match="a U-Net has to be of this workflow"):
        load_model(tmp_path / "other.h5")
