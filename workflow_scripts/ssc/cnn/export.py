"""Save a trained CNN: for Keras, and for ONNX Runtime, which makes the maps."""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import onnx
import tensorflow as tf
import tf2onnx


def save_keras(model: keras.Model, path: str | Path, metadata: Mapping) -> None:
    """Write a CNN for Keras.

    Parameters
    ----------
    model : keras.Model
        Its optimizer is left out.
    path : str or Path
        Of the file, `.h5`.
    metadata : Mapping
        Kept among the attributes of the file by name, as JSON.
    """
    model.save(path, include_optimizer=False)
    with h5py.File(path, "a") as file:
        file.attrs.update({name: json.dumps(value) for name, value in metadata.items()})


def read_metadata(path: str | Path, name: str) -> dict | None:
    """Read one of the metadata of `save_keras`; None where the file has none."""
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path) as file:
        text = file.attrs.get(name)
        return json.loads(text) if text else None


def save_onnx(model: keras.Model, path: str | Path, metadata: Mapping) -> None:
    """Write a CNN for ONNX Runtime: float32 colours of 0..255 in, probabilities out.

    Parameters
    ----------
    model : keras.Model
        Of one input and one output.
    path : str or Path
        Of the file.
    metadata : Mapping
        Kept in the file by name, as JSON.
    """
    (tensor,) = model.inputs
    signature = tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name)
    function = tf.function(lambda pixels: model(pixels, training=False)).get_concrete_function(
        signature
    )
    # The further inputs of the function are weights and constants, which the graph is to hold.
    inputs, outputs = [function.inputs[0].name], [function.outputs[0].name]
    frozen = tf2onnx.tf_loader.from_function(function, inputs, outputs)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        # tf2onnx.convert would go on to improve the graph, in as much time and memory again (12 GB
        # for NASNetLarge): ONNX Runtime does that by itself when it loads the file.
        converted = tf2onnx.tfonnx.process_tf_graph(
            graph,
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename={inputs[0]: tensor.name, outputs[0]: "probabilities"},
        )
    exported = converted.make_model("SSC")
    onnx.helper.set_model_props(exported, {k: json.dumps(v) for k, v in metadata.items()})
    onnx.save(exported, path)
