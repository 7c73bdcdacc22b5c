import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import PIL.Image
import pytest
from cnn_samples import BLUE, CLASSES, UNET, YELLOW, two_colours

from ssc.cnn.self_training import MIN_CONFIDENCE, SelfTrainer, pseudo_label
from ssc.cnn.training import TrainingImages, fit, train
from ssc.cnn.unet import UNetTrainer

GREY = (120, 120, 120)
KEY = pd.DataFrame({"LocalClass": [1, 2], "HierarchClass": [7, 3]})
STATS = {"darkest": 90.0, "brightest": 150.0, "bands": [120.0, 120.0, 120.0]}
PSEUDO = replace(UNET, encoder="plain", channels=[8, 8], steps=100, self_training_steps=60)


@pytest.fixture(scope="module")
def sees_red():
    """A CNN of which the odds of outputs 1 and 2 are exp((red - 120) / 20) to 1; 0 never is."""
    layer = keras.layers.Conv2D(3, 1)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Softmax()(layer(inputs)))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, 0] = 0, 1 / 20, 0
    layer.set_weights([kernel, np.float32([-99, -6, 0])])
    return model


def label(model, folder, *images, n_windows=1, side=64, seed=1):
    paths = [str(folder / f"Wye_{number}.png") for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        PIL.Image.fromarray(np.uint8(image)).save(path)
    return pseudo_label(model, KEY, paths, 65535, STATS, n_windows, side, seed)


def test_pseudo_labels_are_the_classes_of_confident_pixels(sees_red, tmp_path):
    # Odds of 4 to 1 are a confidence of 80 %: a red of 120 + 20 ln 4 = 147.7, or of 92.3.
    assert MIN_CONFIDENCE == 0.8
    reds = np.array([200, 148, 147, 120, 93, 92, 40])
    image = np.zeros((50, 70, 3), np.uint8)
    image[..., 0], image[..., 1:] = reds.repeat(10), 120
    image[:10, :10] = 0  # Too few to be without data.
    found = label(sees_red, tmp_path, image)
    expected = np.tile(np.repeat([7, 7, 0, 0, 0, 3, 3], 10), (50, 1))
    expected[:10, :10] = 3
    # The width is more than the side of a window, the height less.
    (pixels,), (codes,) = found.images, found.labels
    assert pixels.shape == (50, 64, 3) and codes.dtype == np.uint8
    left = next(n for n in range(7) if (pixels == image[:, n : n + 64]).all())
    np.testing.assert_array_equal(codes, expected[:, left : left + 64])


def test_images_of_another_exposure_and_pixels_without_data_give_none(sees_red, tmp_path):
    bright, dark = (np.full((64, 64, 3), value, np.uint8) for value in (200, 50))
    half = np.full((64, 64, 3), (190, 90, 80), np.uint8)
    half[32:] = 0
    found = label(sees_red, tmp_path, bright, dark, half, n_windows=20)
    # Some seven of the twenty draws are of the third image, in its only place.
    assert 0 < len(found.images) < 20
    assert len({codes.tobytes() for codes in found.labels}) == 1
    assert (found.labels[0][:32] == 7).all() and not found.labels[0][32:].any()
    assert not label(sees_red, tmp_path, np.full((64, 64, 3), 120)).images


def test_places_are_those_of_the_seed(sees_red, tmp_path):
    rng = np.random.default_rng(5)
    images = rng.integers(90, 150, (3, 100, 100, 3))
    one, same, other = (
        label(sees_red, tmp_path, *images, n_windows=4, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.images, same.images)
    assert not np.array_equal(one.images, other.images)


@pytest.fixture(scope="module")
def trainers():
    """Of a blue and yellow image with labels, and with a grey one that is pseudo-labelled 1."""
    image, labels, _ = two_colours()
    trainer = UNetTrainer(PSEUDO, TrainingImages([image], [labels], ["Ure"]), CLASSES, seed=42)
    grey = np.full((64, 64, 3), GREY, np.uint8)
    pseudo = TrainingImages([grey], [np.full((64, 64), 1, np.uint8)], [""])
    return trainer, SelfTrainer(trainer, pseudo)


def test_half_of_each_batch_has_pseudo_labels(trainers):
    _, further = trainers
    assert (further.epochs, len(further.sequence())) == (1, 60)
    pixels, outputs, weights = further.sequence()[0]
    assert pixels.shape == (4, 64, 64, 3)
    # Brightness is jittered, which leaves a grey nearly grey.
    is_grey = (np.ptp(pixels, axis=3) < 20).all(axis=(1, 2))
    assert is_grey.tolist() == [False, False, True, True]
    assert (outputs[2:] == 1).all() and (weights[2:] == 1).all()
    assert weights[:2].mean() == pytest.approx(1 / 8, abs=0.03)
    # Patches go on changing from epoch to epoch.
    sequence = further.sequence()
    sequence.on_epoch_end()
    sequence.on_epoch_begin()
    assert not np.array_equal(sequence[0][0], pixels)


def test_learning_rates_are_halved():
    data = TrainingImages([np.zeros((64, 64, 3), np.uint8)], [np.ones((64, 64), np.uint8)], ["A"])
    settings = replace(PSEUDO, learning_rate=0.001, encoder_learning_rate=0.0002)
    further = SelfTrainer(UNetTrainer(settings, data, CLASSES, seed=1), data)
    rates = further.settings.learning_rate, further.settings.encoder_learning_rate
    assert rates == (0.0005, 0.0001)


def test_what_is_pseudo_labelled_is_learned_and_what_is_labelled_is_kept(trainers):
    trainer, further = trainers
    model, _ = train(trainer, "float32", trainer.sequence())

    def share(colour, output):
        pixels = np.full((1, 64, 64, 3), colour, np.float32)
        probabilities = np.asarray(model(pixels))[0, 16:48, 16:48]
        return (probabilities.argmax(axis=2) == output).mean()

    assert share(GREY, 1) < 0.05
    history = fit(further, model, further.sequence())
    assert history["epoch"].tolist() == [1]
    assert min(share(GREY, 1), share(BLUE, 1), share(YELLOW, 2)) > 0.95
