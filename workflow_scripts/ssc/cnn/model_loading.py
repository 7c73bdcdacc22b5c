"""Load CNNs that others trained, by Keras 3 or by Keras 2, whose files Keras 3 refuses."""

import inspect
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from ..io.files import require_file
from .unet import LOGITS

_NAMESPACES = (
    *(keras.models, keras.layers, keras.dtype_policies),
    *(keras.initializers, keras.regularizers, keras.constraints),
)
_KINDS = (
    *(keras.Operation, keras.DTypePolicy, keras.initializers.Initializer),
    *(keras.regularizers.Regularizer, keras.constraints.Constraint),
)
# Keras classes that run what the file brings along.
_RUNNERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
# Values that JSON has no form for.
_DATA = {"__keras_tensor__", "__tensor__", "__numpy__", "__slice__", "__ellipsis__", "__tuple__"}
_RENAMED = {
    "Functional": "Model",
    "BatchNormalizationV1": "BatchNormalization",
    "Policy": "DTypePolicy",
}
# Parts of configurations that predictions do not depend on, many unknown to Keras 3.
_TRAINING = ("_initializer", "_regularizer", "_constraint")
# What Keras, h5py and zipfile raise at files they cannot make sense of.
_FAULTS = (
    *(OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, MemoryError),
    *(NotImplementedError, zipfile.BadZipFile, zlib.error, tf.errors.OpError),
)
# Unpacked, of the weights. The largest CNN of keras.applications has 1.4 GB.
MAX_MODEL_BYTES = 3_000_000_000
# Units or channels of a layer, and other sizes in its configuration.
MAX_LAYER_SIZE = 65_536
_SIZES = {
    *("units", "filters", "output_dim", "input_dim", "depth_multiplier", "size", "kernel_size"),
    *("pool_size", "padding", "target_shape", "batch_shape", "batch_input_shape", "n"),
}


def load_model(path: str | Path) -> keras.Model:
    """Load a trained CNN from a whole-model file, ready to predict (not compiled).

    No code of the file runs. Of a file of Keras 2, initializers, regularizers and constraints are
    left out: predictions do not depend on them.

    Parameters
    ----------
    path : str or Path
        `.h5` or `.hdf5` (Keras 2 or 3) or `.keras`.

    Returns
    -------
    keras.Model
        A tile CNN, from float32 (n, size, size, 3), in the range of values that it was trained
        on, to (n, k); or a U-Net of this workflow.

    Raises
    ------
    InputError
        When there is no such file, it is damaged, too large or holds weights only, it holds code
        of its own or weights that are no numbers, Keras cannot build it, or it does not map RGB
        tiles to one score per class.
    """
    path = Path(path)
    require_file(path)
    try:
        _check_sizes(path)
        config, version = _read_config(path)
        code = next(_find_custom_code(config), None)
        too_large = next(_find_large_layers(config), None)
    except _FAULTS as error:
        raise InputError(f"{path}: truncated or damaged; copy it anew ({error})") from error
    if code:
        raise InputError(
            f"{path}: holds code of its own (layer {code[0]} of class {code[1]}), which is not "
            "run; save the model without it"
        )
    if too_large:
        raise InputError(
            f"{path}: a layer with {too_large[0]} {too_large[1]}, more than {MAX_LAYER_SIZE}; "
            "give a smaller model"
        )
    try:
        if version.startswith("3"):
            model = keras.models.load_model(path, compile=False, safe_mode=True)
        else:
            model = keras.saving.deserialize_keras_object(_upgrade_config(config), safe_mode=True)
            model.load_weights(path)
        shapes = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    except _FAULTS as error:
        # The reason is the last line of a long message.
        reason = str(error).strip().rpartition("\n")[2]
        raise InputError(
            f"{path}: Keras {keras.__version__} cannot load it; save it as .keras with Keras 3 "
            f"({reason})"
        ) from error
    for weight in model.weights:
        if not np.isfinite(weight).all():
            raise InputError(
                f"{path}: weights that are no numbers (in {weight.path}), as after a training that "
                "failed; train it anew"
            )
    match shapes:
        case [(None, int(height), int(width), 3), (None, int())] if height == width:
            return model
        case [(None, None, None, 3), (None, None, None, int())] if is_unet(model):
            return model
    raise InputError(
        f"{path}: maps {' '.join(map(str, shapes))}; a tile CNN maps (None, size, size, 3) to "
        "(None, number of classes), and a U-Net has to be of this workflow"
    )


def check_scores(model: keras.Model, path: str | Path) -> None:
    """Refuse a CNN whose scores of grey tiles are no probabilities.

    Parameters
    ----------
    model : keras.Model
        From `load_model`, or made of it.
    path : str or Path
        Its file.

    Raises
    ------
    InputError
        When a score is no number, or not between 0 and 1.
    """
    side = model.input_shape[1] or 64
    greys = np.array([0, 127, 255], np.float32)[:, None, None, None]
    scores = np.asarray(model(np.broadcast_to(greys, (3, side, side, 3))))
    if not (scores >= -1e-6).all() or not (scores <= 1 + 1e-3).all():
        raise InputError(
            f"{path}: its scores are no probabilities from 0 to 1; let it end with softmax"
        )


def is_unet(model: keras.Model) -> bool:
    """Whether a model is a U-Net of this workflow."""
    return LOGITS in [layer.name for layer in model.layers]


def _check_sizes(path: Path) -> None:
    """Refuse a model whose parts would fill the memory, before any is unpacked."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            size = sum(part.file_size for part in file.infolist())
            if size <= MAX_MODEL_BYTES and "model.weights.h5" in file.namelist():
                with file.open("model.weights.h5") as weights:
                    size = max(size, _weights_size(weights))
    elif h5py.is_hdf5(path):
        size = _weights_size(path)
    else:
        return
    if size > MAX_MODEL_BYTES:
        raise InputError(
            f"{path}: {size / 1e9:.1f} GB when unpacked, more than {MAX_MODEL_BYTES / 1e9:g} GB; "
            "give a smaller model"
        )


def _weights_size(source) -> int:
    """Bytes of all arrays of an HDF5 file."""
    sizes: list[int] = []
    with h5py.File(source) as file:
        file.visititems(lambda _, part: sizes.append(getattr(part, "nbytes", 0)))
    return sum(sizes)


def _find_large_layers(item) -> Iterator[tuple[str, int]]:
    """Find sizes above `MAX_LAYER_SIZE` in the configuration of a model: their key and value."""
    pairs = item.items() if isinstance(item, dict) else enumerate(item)
    for key, value in pairs:
        if isinstance(value, dict | list):
            sizes = value if key in _SIZES and isinstance(value, list) else []
            yield from ((str(key), n) for n in sizes if isinstance(n, int) and n > MAX_LAYER_SIZE)
            yield from _find_large_layers(value)
        elif key in _SIZES and isinstance(value, int) and value > MAX_LAYER_SIZE:
            yield key, value


def _read_config(path: Path) -> tuple[dict, str]:
    """Read the configuration of a model, and the version of Keras that saved it."""
    if path.suffix != path.suffix.lower():
        raise InputError(f"{path}: Keras reads the suffix in lower case; rename it")
    if path.suffix in (".h5", ".hdf5") and h5py.is_hdf5(path):
        with h5py.File(path) as file:
            if "model_config" not in file.attrs:
                raise InputError(f"{path}: holds weights only; save the whole model: model.save")
            version = file.attrs.get("keras_version", "2")
            version = version.decode() if isinstance(version, bytes) else version
            return json.loads(file.attrs["model_config"]), version
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
            # Of losses and optimizers: not used, hence free to be anything.
            config.pop("compile_config", None)
            return config, json.loads(file.read("metadata.json"))["keras_version"]
    raise InputError(
        f"{path}: not a Keras model, or truncated; give a whole model named .h5 (HDF5) or .keras"
    )


def _find_custom_code(item, owner: str = "?") -> Iterator[tuple[str, str]]:
    """Find objects that are not plain Keras: name of the layer that has each, and its class."""
    if isinstance(item, list):
        for part in item:
            yield from _find_custom_code(part, owner)
    elif isinstance(item, dict):
        config, name = item.get("config"), item.get("class_name")
        # Keras 2 keeps a function in a .h5 as its bytecode alone.
        if item.keys() == {"value"}:
            yield owner, "function"
        if isinstance(config, dict):
            owner = config.get("name", owner)
        if name is not None and name not in _DATA and _keras_class(item) is None:
            yield owner, name
        parts = list(item.values())
        if name is not None and isinstance(config, dict):
            # The value of a constant initializer is no function: look past its configuration.
            parts.remove(config)
            parts += config.values()
        yield from _find_custom_code(parts, owner)


def _keras_class(item: dict) -> type | None:
    """The class of Keras 3 of a serialised object, if it is one that runs no code of others."""
    name, module = _RENAMED.get(item["class_name"], item["class_name"]), item.get("module")
    if name in _RUNNERS or (module or "keras").split(".")[0] not in ("keras", "tf_keras"):
        return None
    for place in (*_NAMESPACES, sys.modules.get(module or "")):
        candidate = getattr(place, name, None)
        if isinstance(candidate, type) and issubclass(candidate, _KINDS):
            return candidate
    return None


def _upgrade_config(item):
    """The configuration of a model of Keras 2 as Keras 3 takes it."""
    if isinstance(item, str):
        # Names of layers may hold no slash.
        return item.replace("/", "_")
    if isinstance(item, list):
        return [_upgrade_config(part) for part in item]
    if not isinstance(item, dict):
        return item
    if item.get("class_name") == "__tuple__":
        return _upgrade_config(item["items"])
    item = {
        key: _upgrade_config(value) for key, value in item.items() if not key.endswith(_TRAINING)
    }
    if "class_name" not in item:
        return item
    cls, config = _keras_class(item), item["config"]
    if cls is None:
        raise ValueError(f"no {item['class_name']} in Keras 3")
    if isinstance(config, list):
        config = {"name": "sequential", "layers": config}
    if cls is keras.layers.BatchNormalization and isinstance(config["axis"], list):
        (config["axis"],) = config["axis"]
    if config.get("groups") == 1 and "groups" not in inspect.signature(cls).parameters:
        del config["groups"]
    if issubclass(cls, keras.Model):
        _upgrade_graph(config)
    names = dict(class_name=cls.__name__, module=cls.__module__, registered_name=None)
    return item | names | {"config": config}


def _upgrade_graph(config: dict) -> None:
    """Upgrade the configuration of a model, in place; those of its layers are upgraded already."""
    layers = config["layers"]
    # The order of the weights in the file follows the flags of the layers only.
    config.pop("trainable", None)
    first = layers[0]["config"]
    if layers[0]["class_name"] != "InputLayer" and "batch_input_shape" in first:
        start = {"batch_shape": first["batch_input_shape"]}
        layers.insert(0, dict(class_name="InputLayer", module="keras.layers", config=start))
    for layer in layers:
        if layer["class_name"] != "InputLayer":
            layer["config"].pop("batch_input_shape", None)
    # Keras 2 counts the making of a nested model as its first call.
    nested = {layer["config"]["name"] for layer in layers if "layers" in layer["config"]}
    calls = [call for layer in layers for call in layer.get("inbound_nodes", [])]
    for source in sum(calls, config.get("output_layers", [])):
        if source[0] in nested:
            source[1] = max(source[1] - 1, 0)
    for ends in {"input_layers", "output_layers"} & config.keys():
        # A list of one would make the nested model give a list.
        if len(config[ends]) == 1:
            (config[ends],) = config[ends]
