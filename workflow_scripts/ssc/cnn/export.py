"""Save a trained CNN: for Keras, for ONNX Runtime, which makes the maps, and for QGIS."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
import pandas as pd
import tensorflow as tf
import tf2onnx
from keras import layers

from ..io.datasets import RasterGeometry
from .unet import OUTPUT_STRIDE, low_resolution_model

# Side in pixels of the tiles that plugins of QGIS cut an image into, and their overlap in percent.
QGIS_TILE_SIZE = 512
QGIS_TILES_OVERLAP = 25


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


def save_onnx_for_qgis(
    model: keras.Model, key: pd.DataFrame, resolution: float | None, path: str | Path
) -> None:
    """Write a U-Net for the QGIS plugin Deepness, and for GeoDeep.

    They cut an image into tiles and read the settings from the metadata of the file (Deepness
    0.6.5, `model_base.py`; GeoDeep 0.9.13, `inference.py`). The ONNX Runtime of Deepness, 1.17,
    reads files up to opset 20 and IR version 9.

    Parameters
    ----------
    model : keras.Model
        From `build_unet`.
    key : pandas.DataFrame
        Its class key.
    resolution : float or None
        Side of a pixel of the training images in metres: images are mapped at this resolution.
        None leaves it to the user.
    path : str or Path
        Of the file.

    Notes
    -----
    From RGB colours of 0..1, float32 (1, 3, 512, 512), to probabilities, float32
    (1, K + 1, 512, 512): of the K classes in the order of the key from channel 1 on. Channel 0
    stands for unsure and is 0: it is the largest only where a user sets a threshold that no class
    reaches.
    """
    class_of_output, codes = pd.factorize(key["HierarchClass"])
    sums = np.zeros((len(key) + 1, len(codes) + 1), np.float32)
    sums[key["LocalClass"], class_of_output + 1] = 1
    side = QGIS_TILE_SIZE
    inputs = keras.Input((3, side, side), batch_size=1, name="pixels")
    colours = layers.Permute((2, 3, 1))(layers.Rescaling(255)(inputs))
    cells = keras.ops.matmul(low_resolution_model(model)(colours), sums)
    pixels = layers.UpSampling2D(OUTPUT_STRIDE, interpolation="bilinear")(cells)
    # As for the confidence of our maps: the probabilities of the classes sum to 1.
    pixels = keras.ops.normalize(pixels, order=1)
    names = ["unsure", *key.drop_duplicates("HierarchClass")["ClassName"]]
    metadata = {
        "model_type": "Segmentor",
        "class_names": dict(enumerate(names)),
        "tile_size": side,
        "tiles_overlap": QGIS_TILES_OVERLAP,
        # Off: each pixel gets its most probable class, and no area is too small.
        "seg_thresh": 0,
        "seg_small_segment": 0,
    }
    if resolution is not None:
        metadata["resolution"] = round(100 * resolution, 2)
    save_onnx(keras.Model(inputs, layers.Permute((3, 1, 2))(pixels)), path, metadata)


def ground_resolution(geometries: Iterable[RasterGeometry]) -> float | None:
    """Side of a pixel on the ground: the median of the images whose coordinates are lengths.

    Parameters
    ----------
    geometries : iterable of RasterGeometry

    Returns
    -------
    float or None
        Metres; None where no image has a projected CRS and a transform.
    """
    sides = [
        abs(geometry.transform.determinant) ** 0.5 * geometry.crs.linear_units_factor[1]
        for geometry in geometries
        if geometry.crs and geometry.crs.is_projected and not geometry.transform.is_identity
    ]
    return float(np.median(sides)) if sides else None
