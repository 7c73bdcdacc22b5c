"""What a user sees of a run: a dozen lines that matter."""

import re

import rasterio

from run import run_snakemake


def test_a_run_prints_a_few_lines(undisturbed, small):
    shown = (undisturbed / "terminal.txt").read_text()
    assert len(shown.splitlines()) <= 25, shown
    for line in (
        "demo: 1 river (Clearbrook)",
        "Found: 4 labelled images to learn from; 3 images to map, 2 of them with labels; 1 CNN",
        "3 images to map",
        "7 images checked, no problem; labelled pixels: Water",
        "Trained the CNN of Clearbrook in",
        "maps of Clearbrook: F1",
        "results/report/report.html",
        "results/Clearbrook/maps",
        "results/report/totals.csv",
    ):
        assert line in shown
    # TensorFlow's start and Snakemake's steps are in logs.
    for noise in ("cuInit", "InitializeLog", "HDF5", "rule ", "jobid"):
        assert noise not in shown
    log = next((undisturbed / ".snakemake/log").glob("*.log")).read_text()
    assert "rule train_cnn:" in log
    again = run_snakemake(undisturbed, "--cores", 2, config=small)
    places = "Report: results/report/report.html\nMaps:   results/Clearbrook/maps\n"
    assert f"Nothing to be done: all is there.\n{places}" in again.stdout
    assert len(again.stdout.splitlines()) <= 8


def test_an_error_is_one_sentence_and_repeated_at_the_end(tmp_path, copy_river, small):
    river = copy_river(tmp_path)
    path = river / "sample_data/train/SCLS_Clearbrook_0001.tif"
    with rasterio.open(path, "r+") as labels:
        codes = labels.read(1)
        codes[:50] = 9
        labels.write(codes, 1)
    run = run_snakemake(river, "--cores", 2, config=small)
    assert run.returncode == 1
    sentence = r"^ERROR: .*SCLS_Clearbrook_0001.tif: code\(s\) 9 not among the classes"
    assert len(re.findall(sentence, run.stdout, re.MULTILINE)) == 2
    last = "\n".join(run.stdout.splitlines()[-5:])
    assert re.search(sentence, last, re.MULTILINE)
    assert re.search(r"log: results/logs/(check_campaign|train_cnn/Clearbrook).log", last)
    for noise in ("Traceback", "CalledProcessError", "RuleException"):
        assert noise not in run.stdout
