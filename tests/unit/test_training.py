import os
from types import SimpleNamespace

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import PIL.Image
import pytest
from cnn_samples import BLUE, YELLOW, alternating, tile_trainer, two_colours, unet_trainer

from ssc.cnn import training
from ssc.cnn.training import (
    build,
    read_training_images,
    rebuild_in_float32,
    train,
    use_dtype_policy,
)
from ssc.errors import SettingError


def short_unet_trainer():
    return unet_trainer(*two_colours()[:2], channels=[8, 8], steps=4)


def test_two_flat_colours_are_learned(caplog):
    caplog.set_level("INFO")
    trainer = tile_trainer(alternating(64), epochs=8, batch_size=16)
    model, history = train(trainer, "float32", trainer.sequence())
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["accuracy"].iloc[-1] == 100
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    tiles = np.array([BLUE, YELLOW], np.float32).repeat(64, axis=0).reshape(2, 8, 8, 3)
    assert np.asarray(model(tiles)).argmax(axis=1).tolist() == [1, 2]
    # The cosine was laid over all 4 steps of all 8 epochs.
    assert model.optimizer.iterations == 32
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    assert "epoch 8 of 8: accuracy 100.0 %, loss" in caplog.text


def test_validation_uses_tiles_that_are_not_learned_from():
    codes = alternating(64)
    # The last eight tiles have their classes swapped: who learns the others gets them wrong.
    codes[56:] = 3 - codes[56:]
    trainer = tile_trainer(codes, epochs=8, batch_size=16)
    validation = trainer.sequence(np.arange(56, 64), augment=False)
    _, history = train(trainer, "float32", trainer.sequence(np.arange(56)), validation)
    assert list(history.columns) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["accuracy"].iloc[-1] == 100
    assert history["val_accuracy"].iloc[-1] == 0
    assert history["val_loss"].iloc[-1] > 1 > history["loss"].iloc[-1]


@pytest.mark.parametrize(
    ("policy", "dtype", "make"),
    [
        ("mixed_float16", "float16", lambda: tile_trainer(alternating(32), epochs=4)),
        ("mixed_bfloat16", "bfloat16", short_unet_trainer),
    ],
)
def test_cnn_trained_in_16_bits_is_the_same_in_32(policy, dtype, make):
    trainer = make()
    model, _ = train(trainer, policy, trainer.sequence())
    assert model.layers[2].compute_dtype == dtype
    pixels = trainer.sequence()[0][0]
    half = np.asarray(model(pixels))
    rebuilt = rebuild_in_float32(trainer, model.get_weights())
    assert rebuilt.layers[2].compute_dtype == "float32"
    # bfloat16 has 8 bits; at an edge between blocks that may count.
    assert np.abs(np.asarray(rebuilt(pixels)) - half).mean() < 0.02


def test_building_a_cnn_leaves_the_global_dtype_policy_as_it_was():
    with use_dtype_policy("mixed_float16"):
        model = build(short_unet_trainer(), "mixed_bfloat16")
        assert model.layers[2].compute_dtype == "bfloat16"
        assert keras.config.dtype_policy().name == "mixed_float16"
        with pytest.raises(SettingError):
            build(tile_trainer([1], architecture="nonsense"), "mixed_bfloat16")
        assert keras.config.dtype_policy().name == "mixed_float16"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("make", [lambda: tile_trainer(alternating(24)), short_unet_trainer])
def test_same_seed_gives_the_same_weights(make):
    weights = []
    for _ in range(2):
        trainer = make()
        model, _ = train(trainer, "float32", trainer.sequence())
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_array_equal(*weights)


def test_weights_are_averaged_late_steps_most():
    weights = [np.array([float(step)], np.float32) for step in (5, 1, 2, 3)]
    callback = training.AverageWeights()
    callback.set_model(SimpleNamespace(get_weights=lambda: [weights.pop(0).copy()]))
    callback.on_train_begin()
    for step in range(3):
        callback.on_train_batch_end(step)
    # 1, then 0.1 x 1 + 0.9 x 2 = 1.9, then 2/11 x 1.9 + 9/11 x 3 = 30.8 / 11.
    assert callback.average[0] == pytest.approx(2.8)


@pytest.mark.parametrize(
    ("make", "averages"),
    [(short_unet_trainer, True), (lambda: tile_trainer(alternating(24)), False)],
)
def test_a_unet_gets_the_average_and_a_tile_cnn_its_last_weights(make, averages, monkeypatch):
    trainer = make()
    made, _ = train(trainer, "float32", trainer.sequence())
    monkeypatch.delattr(training.AverageWeights, "on_train_end")
    last, _ = train(trainer, "float32", trainer.sequence())
    for one, other in zip(made.get_weights(), last.get_weights(), strict=True):
        assert np.array_equal(one, other) != averages


@pytest.mark.parametrize("make", [lambda: tile_trainer(alternating(24)), short_unet_trainer])
def test_the_training_step_is_traced_once(make, monkeypatch):
    traced = []
    train_step = keras.Model.train_step
    monkeypatch.setattr(
        keras.Model, "train_step", lambda *args: traced.append(1) or train_step(*args)
    )
    trainer = make()
    train(trainer, "float32", trainer.sequence())
    assert traced == [1]


def test_of_a_large_image_only_labelled_windows_are_read(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (300, 400, 3)).astype(np.uint8)
    codes = np.zeros((300, 400), np.uint8)
    codes[70:80, 120:140] = 2
    codes[290:, 390:] = 1
    paths = [str(tmp_path / name) for name in ("Ure_0001.png", "SCLS_Ure_0001.png")]
    PIL.Image.fromarray(pixels).save(paths[0])
    PIL.Image.fromarray(codes).save(paths[1])
    files = [paths[0]], [paths[1]], ["Ure"]
    data = read_training_images(*files, 65535, 8, [None])
    np.testing.assert_array_equal(data.images[0], pixels)
    np.testing.assert_array_equal(data.labels[0], codes)
    monkeypatch.setattr(training, "MAX_WHOLE_PIXELS", 1000)
    monkeypatch.setattr(training, "LABEL_WINDOW_SIDE", 64)
    data = read_training_images(*files, 65535, 8, [None])
    assert data.rivers == ["Ure"] * len(data.images)
    assert sum((labels > 0).sum() for labels in data.labels) == (codes > 0).sum()
    assert sum(image.size for image in data.images) < pixels.size / 4
    for image, labels in zip(data.images, data.labels, strict=True):
        (row, column) = np.argwhere(labels)[0]
        found = np.argwhere((pixels == image[row, column]).all(axis=2) & (codes > 0))
        top, left = found[0] - (row, column)
        part = np.s_[top : top + image.shape[0], left : left + image.shape[1]]
        np.testing.assert_array_equal(pixels[part], image)
        assert (labels[labels > 0] == codes[part][labels > 0]).all()
        # Nothing is labelled within the margin of 8 px, but at the edge of the image.
        edge = (labels[:8, :].any() and top > 0) or (labels[:, :8].any() and left > 0)
        assert not edge
