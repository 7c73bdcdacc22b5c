"""Start the training of a CNN from one that learned another river."""

import keras
import pandas as pd

from ..errors import InputError


def copy_weights(
    source: keras.Model, source_key: pd.DataFrame, target: keras.Model, target_key: pd.DataFrame
) -> None:
    """Give a CNN the weights of another one of the same architecture.

    Of the last layer, only the outputs of classes that both know are copied.

    Parameters
    ----------
    source, target : keras.Model
        The trained CNN, and the one to train.
    source_key, target_key : pandas.DataFrame
        Their class keys: output index `LocalClass` and class code `HierarchClass`.

    Raises
    ------
    InputError
        When the architectures differ.
    """
    pairs = list(zip(_weighted_layers(source), _weighted_layers(target), strict=False))
    *inner, (source_outputs, target_outputs) = pairs
    same = all(_shapes(s) == _shapes(t) for s, t in inner)
    if not same or len(_weighted_layers(source)) != len(_weighted_layers(target)):
        raise InputError(
            "the CNN to start from has another architecture than the one to train; give the "
            "architecture, encoder and channels that it was trained with"
        )
    for from_layer, to_layer in inner:
        to_layer.set_weights(from_layer.get_weights())
    weights = target_outputs.get_weights()
    output_of = source_key.drop_duplicates("HierarchClass").set_index("HierarchClass")["LocalClass"]
    for output, code in zip(target_key["LocalClass"], target_key["HierarchClass"], strict=True):
        if code in output_of:
            for to_array, from_array in zip(weights, source_outputs.get_weights(), strict=True):
                to_array[..., output] = from_array[..., output_of[code]]
    target_outputs.set_weights(weights)


def _weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights]


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [weight.shape for weight in layer.weights]
