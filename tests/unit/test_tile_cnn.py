import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from dataclasses import replace

import keras
import numpy as np
import pytest
from cnn_samples import CLASSES, TILE_CNN, tile_trainer

from ssc.cnn.tile_cnn import TileCnnTrainer, build_tile_cnn, enough_epochs, scale_input
from ssc.cnn.training import TrainingImages
from ssc.errors import SettingError


def test_compact_cnn_takes_no_weights():
    with pytest.raises(SettingError, match="^weights: the compact CNN has none to load"):
        build_tile_cnn("compact", "imagenet", "all", 50, 3)


@pytest.mark.parametrize(
    ("n_tiles", "expected"),
    # Of 64 tiles a step: 1 step an epoch, 5, 38 (8 of them are 304) and 100.
    [(10, 300), (300, 60), (2401, 8), (6400, 8)],
)
def test_few_tiles_are_seen_more_often(n_tiles, expected):
    assert enough_epochs(8, n_tiles, batch_size=64, min_steps=300) == expected


@pytest.mark.parametrize(
    ("local", "outputs", "rivers"),
    # Rivers are numbered by name: with classes of their own, Dee has outputs 1 and 2, Wye 3 and 4.
    [(False, [1, 2, 1, 2], ["Dee; Wye"] * 2), (True, [3, 4, 3, 2], ["Dee", "Dee", "Wye", "Wye"])],
)
def test_pure_tiles_get_the_outputs_of_their_class_and_river(local, outputs, rivers):
    # The second image has a pure tile in its second column only.
    labels = [np.array([[1, 2, 1]], np.uint8), np.array([[0, 2]], np.uint8)]
    labels = [of_image.repeat(8, axis=0).repeat(8, axis=1) for of_image in labels]
    images = [np.zeros((*of_image.shape, 3), np.uint8) for of_image in labels]
    data = TrainingImages(images, labels, ["Wye", "Dee"])
    settings = replace(TILE_CNN, local_classes=local, epochs=2, min_steps=5)
    trainer = TileCnnTrainer(settings, data, CLASSES, seed=1)
    assert trainer.tiles.images.tolist() == [0, 0, 0, 1]
    assert trainer.tiles.columns.tolist() == [0, 8, 16, 8]
    assert trainer.outputs.tolist() == outputs
    assert trainer.key["River"].tolist() == rivers
    assert trainer.build().output_shape == (None, len(rivers) + 1)
    # One step an epoch.
    assert trainer.epochs == 5


def test_sequence_is_augmented_as_the_settings_say_unless_switched_off():
    def is_augmented(setting, **options):
        trainer = tile_trainer([1] * 8, augment=setting)
        return len(np.unique(trainer.sequence(**options)[0][0])) > 6

    assert is_augmented(True)
    assert not is_augmented(True, augment=False)
    assert not is_augmented(False)


@pytest.mark.parametrize(
    ("schedule", "rates"), [("cosine", [0.01, 0.005, 0]), ("constant", [0.01] * 3)]
)
def test_learning_rate_falls_along_a_cosine_or_stays(schedule, rates):
    trainer = tile_trainer([1, 2], schedule=schedule)
    model = trainer.build()
    trainer.compile(model, n_steps=2)
    for step, rate in enumerate(rates):
        model.optimizer.iterations.assign(step)
        assert float(model.optimizer.learning_rate) == pytest.approx(rate, abs=1e-6)


def test_cnn_of_others_takes_colours_from_0_to_255():
    other = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalMaxPooling2D()])
    tile = np.full((1, 4, 4, 3), 51, np.float32)
    np.testing.assert_allclose(scale_input(other)(tile), 0.2)


def test_cnn_of_this_workflow_is_left_as_it_is(tmp_path):
    build_tile_cnn("compact", None, "all", 8, 3).save(tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5", compile=False)
    assert scale_input(loaded) is loaded
