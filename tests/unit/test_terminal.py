"""What is printed of a run: work done and left, warnings and errors."""

import io
import logging

import pytest

from workflow_scripts.progress import Progress
from workflow_scripts.terminal import Terminal


def test_time_left_is_that_of_the_jobs_so_far():
    planned = [("train", 1), *[("map", n) for n in (1, 1, 4)]]
    progress = Progress(planned, {"train": 100})
    # Nothing is known of mapping: 2 seconds an image.
    assert progress.work_left == 100 + 6 * 2
    progress.finish("train", 1, 60)
    progress.finish("map", 1, 10)
    assert progress.work_left == 5 * 10
    assert progress.share == pytest.approx(70 / 120)
    # 70 seconds of jobs in 35 seconds: two at a time.
    assert progress.seconds_left(35) == pytest.approx(25)


@pytest.fixture
def run():
    """A run of two jobs that map 1 and 3 images, and a function to log one of its events."""
    default = logging.StreamHandler(io.StringIO())
    terminal = Terminal(
        default,
        found=["Found: 4 images"],
        results=lambda: ["Maps: there"],
        planned=lambda: [("map", {"batch": "1"}), ("map", {"batch": "3"})],
        count_units=lambda rule, wildcards: int(wildcards["batch"]),
        map_rule="map",
        expected={},
        is_dry_run=lambda: False,
    )

    def log(message="", level=logging.INFO, **event):
        record = logging.LogRecord("", level, "", 0, message, None, None)
        record.__dict__ |= event
        terminal.emit(record)

    log(event="workflow_started")
    log(event="run_info", stats={})
    return terminal, log, default.stream


def job(log_file, number):
    wildcards = {"batch": str(number)}
    return {"rule_name": "map", "jobid": number, "wildcards": wildcards, "log": [str(log_file)]}


def test_a_run_tells_what_is_found_and_to_do_and_where_it_is(run):
    terminal, log, printed = run
    log("Select jobs to execute...")
    log("Job 7 has been submitted")
    terminal.print_end()
    *before, done, results = printed.getvalue().splitlines()
    assert before == ["Found: 4 images", "To do: 2 jobs, 4 images to map"]
    assert done.startswith("Done in ")
    assert results == "Maps: there"


def test_lines_of_a_finished_job_that_are_marked_are_told_once(run, tmp_path):
    _, log, printed = run
    (tmp_path / "1.log").write_text("begins\nFOUND: water\nWARNING: a_0001: dark\n")
    (tmp_path / "3.log").write_text(
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
        "WARNING: a_0001: dark\n" + "".join(f"WARNING: b_{n:04d}: dark\n" for n in range(12))
    )
    for number in (1, 3):
        log(event="job_info", **job(tmp_path / f"{number}.log", number))
        log(event="job_finished", job_id=number)
    terminal = run[0]
    terminal.print_end()
    lines = printed.getvalue().splitlines()[2:]
    assert lines[:2] == ["water", "WARNING: a_0001: dark"]
    # Ten warnings in all are shown.
    assert lines[2:11] == [f"WARNING: b_{n:04d}: dark" for n in range(9)]
    assert lines[11] == "3 more warnings are in the logs."


def test_errors_of_jobs_are_told_and_repeated_at_the_end(run, tmp_path):
    terminal, log, printed = run
    bad, killed = tmp_path / "bad.log", tmp_path / "killed.log"
    bad.write_text("begins\nERROR: a.jpg: damaged\n")
    killed.write_text("I0000 00:00:1 7 port.cc:153] oneDNN is on\na_0001 (1 of 1)\n")
    for path in (bad, killed):
        log("Error in rule map", logging.ERROR, event="job_error", **job(path, 1))
    log("RuleException:\nCalledProcessError in file x", logging.ERROR, event="error")
    log("Exiting because a job execution failed. Look above", logging.ERROR)
    log("MissingOutputException: x", logging.ERROR, event="error")
    terminal.print_failure(["snakemake.log"])
    errors = [
        "ERROR: a.jpg: damaged",
        f"    log: {bad}",
        f"ERROR: map ended without a message: killed, out of memory, disk full? See {killed}",
        "a_0001 (1 of 1)",
        f"    log: {killed}",
    ]
    assert printed.getvalue().splitlines()[2:] == [
        *errors,
        "MissingOutputException: x",
        "",
        *errors,
        "Stopped. What Snakemake did: snakemake.log",
    ]


def test_where_many_errors_are_is_told_both_times(run, tmp_path):
    terminal, log, printed = run
    many = tmp_path / "many.log"
    many.write_text("".join(f"ERROR: {n}.jpg: damaged\n" for n in range(100)))
    log("Error in rule map", logging.ERROR, event="job_error", **job(many, 1))
    terminal.print_failure(["snakemake.log"])
    shown = [f"ERROR: {n}.jpg: damaged" for n in range(30)]
    end = ["... and 70 more lines in the logs", f"    log: {many}"]
    assert printed.getvalue().splitlines()[2:-1] == [*shown, *end, "", *shown, *end]


def test_before_the_jobs_all_is_told(run):
    terminal, log, printed = run
    terminal.is_running = False
    log("Unlocked working directory.")
    assert printed.getvalue().splitlines()[-1] == "Unlocked working directory."
