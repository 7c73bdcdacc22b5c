"""Tiny ONNX models whose outputs can be worked out by hand."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
# Output 0 is always highest; 1, 2 and 3 are red, green and blue.
BY_COLOUR = [[1, 1 / 255, 0, 0], [1, 0, 1 / 255, 0], [1, 0, 0, 1 / 255]]


def save_mean_colour_model(path, matrix, size=None, metadata=None):
    """Save a CNN whose outputs are mean red, green and blue times a matrix (3, outputs).

    They are the means of tiles of `size`, or without it of cells of 4 x 4 px, as of a U-Net.
    """
    if size:
        side, cells = size, []
        nodes = [helper.make_node("ReduceMean", ["pixels"], ["colour"], axes=[1, 2], keepdims=0)]
    else:
        side, cells = None, [None, None]
        nodes = [
            helper.make_node("Transpose", ["pixels"], ["bands"], perm=[0, 3, 1, 2]),
            helper.make_node(
                "AveragePool", ["bands"], ["means"], kernel_shape=[4, 4], strides=[4, 4]
            ),
            helper.make_node("Transpose", ["means"], ["colour"], perm=[0, 2, 3, 1]),
        ]
    matrix = np.array(matrix, np.float32)
    nodes.append(helper.make_node("MatMul", ["colour", "matrix"], ["outputs"]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (
            ("pixels", [None, side, side, 3]),
            ("outputs", [None, *cells, matrix.shape[1]]),
        )
    ]
    graph = helper.make_graph(
        nodes, "mean colour", ends[:1], ends[1:], [numpy_helper.from_array(matrix, "matrix")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    metadata = {name: json.dumps(value) for name, value in (metadata or {}).items()}
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
