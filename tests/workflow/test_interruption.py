"""A run that is killed resumes, and ends with the maps of an undisturbed one."""

import subprocess
import sys

import psutil
from slurm_node import wait_for

from run import REPO, run_snakemake, snakemake_command


def test_the_same_seed_gives_the_same_maps_on_other_cores_and_even_after_two_kills(
    undisturbed, tmp_path, small, copy_river, map_digests
):
    folder = copy_river(tmp_path)
    model = folder / "results/Clearbrook/model/Clearbrook.onnx"
    kill_when(folder, "results/logs/train_cnn/Clearbrook.log", small)
    # A job that went on without Snakemake would train beside that of the next run.
    wait_for(lambda: not jobs(folder), 300)
    assert not model.exists()
    assert run_snakemake(folder, "--unlock", config=small).returncode == 0
    kill_when(folder, "results/Clearbrook/cnn/CNN_*.tif", small)
    expected = map_digests(undisturbed / "results/Clearbrook")
    # Three images: map of the CNN, final map, a confidence of each, and probabilities.
    assert len(expected) == 15
    trained = model.stat().st_mtime
    assert run_snakemake(folder, "--unlock", config=small).returncode == 0
    run = run_snakemake(folder, "--cores", 2, config=small)
    assert run.returncode == 0, run.stdout[-5000:]
    assert map_digests(folder / "results/Clearbrook") == expected
    assert model.stat().st_mtime == trained


def test_results_are_those_of_an_undisturbed_run_after_many_accidents(undisturbed, tmp_path):
    cnn = undisturbed / "results/Clearbrook/model/Clearbrook"
    small = ["--images", "12", "--images-per-job", "8", "--kills", "4", "--out", tmp_path]
    command = [sys.executable, REPO / "benchmarks/faults.py", "--cnn", cnn, *small]
    run = subprocess.run(command, text=True, capture_output=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr[-5000:]
    for accident in ("disk full: ", "snakemake killed: 2", "0 of them differ; 0 parts"):
        assert accident in run.stdout


def kill_when(folder, pattern, config):
    """Run the workflow and kill it, but none of its jobs, once a file of the pattern exists."""
    command = snakemake_command(folder, "--cores", 1, config=config)
    run = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    wait_for(lambda: list(folder.glob(pattern)) or run.poll() is not None, 900)
    assert run.poll() is None
    run.kill()
    run.wait()


def jobs(folder):
    """Processes that run the scripts of a folder."""
    scripts = f"{folder}/.snakemake/scripts/"
    lines = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if line and line[-1].startswith(scripts)]
