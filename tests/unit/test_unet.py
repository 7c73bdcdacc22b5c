import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import cv2
import keras
import numpy as np
import pytest
from cnn_samples import BLUE, UNET, YELLOW, two_colours, unet_trainer

from ssc.classes import LandClass
from ssc.cnn.training import TrainingImages, train, use_dtype_policy
from ssc.cnn.unet import LOGITS, UNetTrainer, build_unet, low_resolution_model


@pytest.mark.parametrize("channels", [[8, 16], [8, 8, 16, 16, 24]])
def test_unet_gives_probabilities_of_each_pixel(channels):
    with use_dtype_policy("mixed_bfloat16"):
        model = build_unet("plain", None, channels, 3)
    unit = 4 * 2 ** (len(channels) - 1)
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 2 * unit, unit, 3)).astype(np.float32)
    outputs = model(pixels)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    probabilities = np.asarray(outputs)
    assert probabilities.shape == (2, 2 * unit, unit, 3)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=3), 1, atol=1e-5)


def test_deeper_levels_see_farther():
    def reach(channels):
        keras.utils.set_random_seed(1)
        model = low_resolution_model(build_unet("plain", None, channels, 3))
        pixels = np.random.default_rng(1).uniform(0, 255, (1, 512, 64, 3)).astype(np.float32)
        other = pixels.copy()
        other[:, 256] = 255 - other[:, 256]
        rows = np.flatnonzero(np.any(np.asarray(model(pixels) != model(other)), axis=(0, 2, 3)))
        return max(64 - rows.min(), rows.max() - 64) * 4

    # In pixels; the third level's two convolutions, of 16 pixels a step, alone add 32.
    two, three = reach([8, 8]), reach([8, 8, 8])
    assert 16 < two < three - 32


@pytest.fixture(scope="module")
def strong_unet():
    """A U-Net of random weights whose probabilities differ much from pixel to pixel."""
    keras.utils.set_random_seed(1)
    model = build_unet("plain", None, [8, 16], 3)
    layer = model.get_layer(LOGITS)
    kernel, bias = layer.get_weights()
    layer.set_weights([20 * kernel, bias])
    return model, low_resolution_model(model)


def test_low_resolution_model_is_the_unet_at_a_quarter_of_the_resolution(strong_unet):
    pixels = np.random.default_rng(1).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    full, low = (np.asarray(model(pixels)[0]) for model in strong_unet)
    assert low.shape == (16, 24, 3)
    assert full.std(axis=(0, 1)).min() > 0.01
    # Logarithms of probabilities are logits, but for a sum that softmax takes out again. OpenCV
    # has to enlarge them as Keras does, for it makes the maps.
    enlarged = np.exp(cv2.resize(np.log(low), (96, 64)))
    np.testing.assert_allclose(enlarged / enlarged.sum(axis=2, keepdims=True), full, atol=1e-5)


def test_where_all_is_alike_enlarged_probabilities_are_those_of_the_unet(strong_unet):
    pixels = np.full((1, 192, 192, 3), BLUE, np.float32)
    full, low = (np.asarray(model(pixels)[0]) for model in strong_unet)
    # Far from the edges, beyond which there is nothing, as the convolutions see it.
    inside = full[80:112, 80:112]
    np.testing.assert_allclose(inside, np.broadcast_to(low[24, 24], inside.shape), atol=1e-5)


def test_only_labelled_classes_get_an_output():
    labels = np.zeros((64, 64), np.uint8)
    labels[:32], labels[32:48] = 7, 3
    classes = [LandClass(3, "Sediment"), LandClass(5, "Road"), LandClass(7, "Water")]
    data = TrainingImages([np.zeros((64, 64, 3), np.uint8)] * 2, [labels] * 2, ["Wye", "Wye"])
    trainer = UNetTrainer(UNET, data, classes, seed=1)
    assert trainer.key.to_dict("list") == {
        "LocalClass": [1, 2],
        "HierarchClass": [3, 7],
        "River": ["Wye", "Wye"],
        "ClassName": ["Sediment", "Water"],
    }
    assert trainer.build().output_shape == (None, None, None, 3)
    # An epoch is 50 of the 100 steps.
    assert trainer.epochs == 2
    assert len(trainer.sequence()) == 50
    _, outputs, weights = trainer.sequence()[0]
    # A patch of 64 px is the image, turned and flipped: a half, a quarter and a quarter of it.
    assert np.bincount(outputs[0].ravel()).tolist() == [1024, 1024, 2048]
    assert weights[0].sum() == 3072


@pytest.fixture(scope="module")
def trained():
    """A U-Net that has learned two colours, and its history."""
    trainer = unet_trainer(*two_colours()[:2])
    return train(trainer, "mixed_bfloat16", trainer.sequence())


def test_two_colours_are_learned_from_few_labelled_pixels(trained):
    model, history = trained
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == [1, 2]
    assert history["loss"].iloc[1] < history["loss"].iloc[0] / 2
    # Of the labelled pixels: were the others counted, it would be 1 in 8.
    assert 90 < history["accuracy"].iloc[1] <= 100
    image, _, truth = two_colours((128, 128))
    probabilities = np.asarray(model(image[None].astype(np.float32)))[0]
    # Not even as output 0, that of the seven unlabelled pixels in eight.
    assert (probabilities.argmax(axis=2) == truth).mean() > 0.95


def test_learning_rate_rises_over_a_twentieth_of_the_steps_and_then_falls(trained):
    assert trained[0].optimizer.iterations == 100
    trainer = unet_trainer(*two_colours()[:2], channels=[8, 8])
    model = trainer.build()
    trainer.compile(model, n_steps=100)
    rates = []
    for step in (0, 1, 5, 52, 100):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    assert rates == pytest.approx([0, 0.002, 0.01, 0.005, 0], abs=0.0005)


def test_unlabelled_pixels_are_not_learned_from():
    # Right of column 64 the colours are swapped, and nothing is labelled.
    image, _, truth = two_colours((128, 128))
    labels = truth.copy()
    labels[:, 64:] = 0
    swapped = image.copy()
    swapped[:, 64:] = np.where(truth[:, 64:, None] == 1, YELLOW, BLUE)
    trainer = unet_trainer(swapped, labels, seed=1, channels=[8, 8], steps=80)
    model, _ = train(trainer, "float32", trainer.sequence())
    probabilities = np.asarray(model(image[None].astype(np.float32)))[0]
    assert (probabilities.argmax(axis=2) == truth).mean() > 0.95


def test_loss_is_the_mean_over_labelled_pixels_however_few():
    trainer = unet_trainer(*two_colours()[:2], channels=[8, 8], steps=2)
    model = trainer.build()
    layer = model.get_layer(LOGITS)
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    trainer.compile(model, n_steps=2)
    # Of three outputs alike.
    scores = model.evaluate(trainer.sequence(), verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(np.log(3), rel=1e-5)


def test_the_set_share_of_the_patches_is_mixed():
    image, labels, _ = two_colours()
    rectangles = {
        cutmix: unet_trainer(image, labels, batch_size=50, cutmix=cutmix)
        .sequence()
        .sampler.draw(0, np.random.default_rng(0))
        .rectangles
        for cutmix in (0, 1)
    }
    assert (len(rectangles[0]), len(rectangles[1])) == (0, 50)


def test_a_pretrained_encoder_learns_at_its_own_rate():
    trainer = unet_trainer(
        *two_colours()[:2],
        encoder="efficientnet_lite0",
        channels=[8, 8],
        learning_rate=0.01,
        encoder_learning_rate=0.001,
    )
    model = trainer.build()
    trainer.compile(model, n_steps=100)
    # After the rise of 5 steps the rate is at its highest.
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(5)
    encoder = {v.path for v in model.get_layer("encoder").trainable_variables}
    variables = model.trainable_variables
    before = [np.copy(v) for v in variables]
    model.optimizer.apply([np.ones(v.shape, np.float32) for v in variables])
    steps = [np.abs(v - b).mean() for v, b in zip(variables, before, strict=True)]
    of_encoder = np.array([v.path in encoder for v in variables])
    slow, fast = (np.mean(steps, where=part) for part in (of_encoder, ~of_encoder))
    assert slow / fast == pytest.approx(0.1, rel=0.02)
