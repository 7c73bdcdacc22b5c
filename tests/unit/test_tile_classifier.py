import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from ssc.errors import InputError
from ssc.tile_classifier import TileClassifier


@pytest.fixture
def make_classifier(tmp_path):
    """A CNN whose outputs are its tile's mean red, green and blue times a matrix."""

    def make(matrix, codes, size=2):
        nodes = [
            helper.make_node("ReduceMean", ["tiles"], ["colour"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["colour", "matrix"], ["outputs"]),
        ]
        matrix = np.array(matrix, np.float32)
        graph = helper.make_graph(
            nodes,
            "mean colour",
            [helper.make_tensor_value_info("tiles", TensorProto.FLOAT, ["n", size, size, 3])],
            [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["n", matrix.shape[1]])],
            [numpy_helper.from_array(matrix, "matrix")],
        )
        opset = [helper.make_opsetid("", 13)]
        path = str(tmp_path / "model.onnx")
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
        key = pd.DataFrame({"LocalClass": range(1, len(codes) + 1), "HierarchClass": codes})
        return TileClassifier(path, key, threads=1)

    return make


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

# Output 0 is always highest; 1, 2 and 3 are red, green and blue.
BY_COLOUR = [[1, 1 / 255, 0, 0], [1, 0, 1 / 255, 0], [1, 0, 0, 1 / 255]]


def test_tile_map_has_the_codes_of_the_key_and_never_the_unused_output(make_classifier):
    image = np.array([[RED] * 2 + [GREEN] * 2] * 2 + [[BLUE] * 2 + [RED] * 2] * 2, np.uint8)
    classifier = make_classifier(BY_COLOUR, [7, 3, 255])
    assert classifier.size == 2
    found, _ = classifier.classify(image, 2)
    assert found.dtype == np.uint8
    assert found.tolist() == [[7, 7, 3, 3]] * 2 + [[255, 255, 7, 7]] * 2


def test_outputs_that_stand_for_one_class_are_summed(make_classifier):
    # 0.4 of output 2 lose to 0.3 + 0.3 of outputs 1 and 3, that both are class 5.
    classifier = make_classifier([[0, 0.3, 0.4, 0.3]] * 3, [5, 2, 5])
    tile = np.zeros((1, 2, 2, 3), np.uint8)
    tile[..., 0] = 1
    assert classifier.codes.tolist() == [2, 5]
    np.testing.assert_allclose(classifier.probabilities(tile), [[0.4, 0.6]], rtol=1e-6)
    codes, confidence = classifier.classify(tile[0], 2)
    assert codes.tolist() == [[5, 5], [5, 5]]
    assert confidence.tolist() == [[60, 60], [60, 60]]


def test_image_smaller_than_a_tile_is_refused(make_classifier):
    image = np.zeros((1, 4, 3), np.uint8)
    with pytest.raises(InputError, match="Ure_1.jpg: 4 x 1 px, smaller than the tiles of 2 px of"):
        make_classifier(BY_COLOUR, [1, 2, 3]).classify(image, 2, "Ure_1.jpg")


def test_last_tiles_lie_flush_with_the_edges(make_classifier):
    image = np.zeros((3, 5, 3), np.uint8)
    image[:] = RED
    image[:, 4] = GREEN
    image[:, 3] = (100, 200, 0)
    # The tile at columns 3 and 4 is the only one that is green.
    found, _ = make_classifier(BY_COLOUR, [1, 2, 3]).classify(image, 2)
    # Column 3 shares the tile at 2 (red 178, green 100) and that at 3 (red 50, green 228).
    assert found.tolist() == [[1, 1, 1, 2, 2]] * 3


def test_overlapping_tiles_are_averaged(make_classifier):
    image = np.array([[RED] * 3 + [GREEN] * 3] * 2, np.uint8)
    classifier = make_classifier(BY_COLOUR, [1, 2, 3])
    # The tile at 2 is half red, half green: a draw goes to the first class.
    assert classifier.classify(image, 2)[0].tolist() == [[1, 1, 1, 1, 2, 2]] * 2
    assert classifier.classify(image, 1)[0].tolist() == [[1, 1, 1, 2, 2, 2]] * 2


def test_large_image_is_classified_in_order_chunk_by_chunk(make_classifier):
    codes = np.random.default_rng(2).integers(0, 3, (30, 41))
    image = np.array([RED, GREEN, BLUE], np.uint8)[codes]
    found, _ = make_classifier(BY_COLOUR, [1, 2, 3], size=1).classify(image, 1)
    np.testing.assert_array_equal(found, codes + 1)


def test_a_stride_that_leaves_gaps_between_the_tiles_of_the_cnn_is_refused(make_classifier):
    image = np.full((2, 8, 3), GREEN, np.uint8)
    with pytest.raises(InputError, match=r"predict_stride: 3 px leaves gaps .* of 2 px of .*onnx"):
        make_classifier(BY_COLOUR, [1, 2, 3]).classify(image, 3)


def test_tiles_leave_what_has_no_data_unmapped(make_classifier):
    image = np.full((40, 60, 3), RED, np.uint8)
    image[1:, 33:] = 0  # 1053 pixels, which cut tiles in two
    found, confidence = make_classifier(BY_COLOUR, [7, 3, 255]).classify(image, 2)
    assert (found[1:, 33:] == 0).all()
    assert (confidence[1:, 33:] == 0).all()
    assert (found[0] == 7).all()
    assert (found[:, :33] == 7).all()
