"""How jobs share GPUs, refuse to run on the CPU in place of one, and read training images."""

import os
from types import SimpleNamespace

import keras
import numpy as np
import PIL.Image
import pytest

import keras_setup
from config_reading import complete_config
from keras_setup import check_gpu, choose_dtype_policy, claim_gpu, make_trainer
from ssc.errors import InputError

VARIABLES = ["CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"]


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    """A workstation with two GPUs; the environment is as before afterwards."""
    devices = tmp_path / "gpus"
    for name in ("0000:65:00.0", "0000:b3:00.0"):
        (devices / name).mkdir(parents=True)
    monkeypatch.setattr(keras_setup, "GPU_DEVICES", devices)
    monkeypatch.setattr(keras_setup.tempfile, "gettempdir", lambda: str(tmp_path))
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def claim():
    """Claim a GPU as a new job does: what holds the claim, and the number."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    return claim_gpu(), os.environ.get("CUDA_VISIBLE_DEVICES")


def test_each_job_claims_a_gpu_of_its_own(two_gpus):
    first, number = claim()
    assert number == "0"
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    second, number = claim()
    assert number == "1"
    assert claim() == (None, None)
    # A job that ends gives its own back.
    first.close()
    third, number = claim()
    assert number == "0"
    assert claim() == (None, None)
    second.close()
    third.close()


def test_gpu_is_claimed_by_the_file_of_another_user(two_gpus):
    lock = two_gpus / "ssc_gpu_0.lock"
    lock.touch()
    lock.chmod(0o444)
    file, number = claim()
    assert (number, file.mode) == ("0", "r")
    file.close()


def test_cluster_that_gave_a_gpu_is_left_alone(two_gpus):
    os.environ["CUDA_VISIBLE_DEVICES"] = "3"
    assert claim_gpu() is None
    assert [os.environ.get(name) for name in VARIABLES] == ["3", None]
    assert not list(two_gpus.glob("*.lock"))


def test_machine_without_gpu_has_none_to_claim(two_gpus, monkeypatch):
    monkeypatch.setattr(keras_setup, "GPU_DEVICES", two_gpus / "absent")
    assert claim() == (None, None)


def test_given_gpu_that_is_not_seen_is_an_error_with_the_remedy(monkeypatch):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with pytest.raises(InputError, match=r"CUDA_VISIBLE_DEVICES=3.*set allow_cpu_fallback to true"):
        check_gpu(allow_cpu_fallback=False)


@pytest.mark.parametrize(
    ("given", "allow_cpu_fallback", "seen"),
    [("3", True, []), ("3", False, ["gpu:0"]), ("", False, []), ("-1", False, [])],
)
def test_training_goes_on(monkeypatch, given, allow_cpu_fallback, seen):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: seen)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    check_gpu(allow_cpu_fallback)


@pytest.mark.parametrize(
    ("mixed_precision", "encoder", "gpus", "cpu", "policy"),
    [
        (False, "plain", ["gpu:0"], "avx512_bf16", "float32"),
        (True, "plain", ["gpu:0"], "avx512_bf16", "mixed_float16"),
        (True, None, ["gpu:0"], "avx2", "mixed_float16"),
        (True, "plain", [], "avx2 avx512_bf16", "mixed_bfloat16"),
        (True, "efficientnet_lite0", ["gpu:0"], "avx2", "mixed_float16"),
        (True, "efficientnet_lite0", [], "avx2 avx512_bf16", "float32"),
        (True, None, [], "avx2 avx512_bf16", "float32"),
        (True, "plain", [], "avx2", "float32"),
        (True, "plain", [], None, "float32"),
    ],
)
def test_half_precision_where_the_hardware_computes_so(
    tmp_path, monkeypatch, mixed_precision, encoder, gpus, cpu, policy
):
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind: gpus)
    cpuinfo = tmp_path / "cpuinfo"
    if cpu:
        cpuinfo.write_text(f"flags : {cpu}\n")
    monkeypatch.setattr(keras_setup, "Path", lambda path: cpuinfo)
    assert choose_dtype_policy(mixed_precision, encoder) == policy


def test_dark_images_are_learned_from_in_the_colours_of_their_river(tmp_path, caplog):
    caplog.set_level("INFO")
    # Seven images of Ure agree; Dee has two only, that differ as much.
    ure = {f"Ure_{n}": grey for n, grey in enumerate([100, 40, 102, 103, 104, 105, 106, 108])}
    greys = ure | {"Dee_1": 60, "Dee_2": 120}
    codes = np.repeat(np.uint8([1, 2]), 32)[None].repeat(64, axis=0)
    for name, grey in greys.items():
        PIL.Image.new("RGB", (64, 64), (grey, grey, grey)).save(tmp_path / f"{name}.png")
        PIL.Image.fromarray(codes).save(tmp_path / f"SCLS_{name}.tif")

    def read(match_colours):
        params = SimpleNamespace(
            cnn=complete_config(cnn={"match_colours": match_colours})["cnn"],
            classes={1: {"name": "Water"}, 2: {"name": "Sand"}},
            images=[str(tmp_path / f"{name}.png") for name in greys],
            names=list(greys),
            rivers=[name[:3] for name in greys],
            held_out_block=None,
            white=65535,
            seed=42,
        )
        labels = [str(tmp_path / "batches/all.csv")]
        trainer, colour_stats = make_trainer(
            SimpleNamespace(params=params, input=SimpleNamespace(labels=labels))
        )
        return [image.max() for image in trainer.data.images], colour_stats

    stats = {"darkest": 40.0, "brightest": 120.0, "bands": [103.5] * 3}
    assert read(match_colours=False) == ([*greys.values()], stats)
    assert "much darker" not in caplog.text
    stats = {"darkest": 60.0, "brightest": 120.0, "bands": [104.0] * 3}
    assert read(match_colours=True) == ([*(greys | {"Ure_1": 104}).values()], stats)
    assert caplog.text.count("much darker") == caplog.text.count("Ure_1.png is much darker") == 1
