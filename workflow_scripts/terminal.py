"""What a user sees of a run: what is done, warnings and errors, and in the end where results are.

What Snakemake does goes to its own log file, what a job does to the log of the job.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from .progress import Progress
from .ssc.errors import NOISE
from .ssc.numbers import count, describe_duration

# Lines of warnings in all, and of errors at a time.
MOST_LINES, MOST_ERRORS = 10, 30
# Seconds that a user will wait for a sign, and below which there is none.
LONGEST_SILENCE, SHORTEST_SILENCE = 600, 10
# Last lines of the log of a job that ended without a message.
TAIL = 8
NOTHING_TO_DO = "Nothing to be done"
# Stands before the path of the log of a job that failed.
LOG = "    log: "
# What every run would say before its jobs.
OF_EVERY_RUN = "Assuming unrestricted shared filesystem usage."
# What Snakemake says of a failed job beside the job's own message.
OF_FAILED_JOBS = (
    "Exiting because a job execution failed",
    "RuleException:\nCalledProcessError",
    "WorkflowError:\nAt least one job did not complete",
)


class Terminal(logging.Handler):
    """Takes the place of Snakemake's own handler while jobs run.

    Parameters
    ----------
    snakemakes : logging.Handler or None
        Snakemake's own handler; without it, only the end of the run is printed.
    found : iterable of str
        Lines about the campaign, printed first.
    results : callable
        Gives lines on where the results are, printed last.
    planned : callable
        Gives rule and wildcards of each job to do.
    count_units : callable
        From rule and wildcards to the units of a job: its images, or 1.
    map_rule : str
        The rule that makes the final maps.
    expected : mapping of str to float
        As of `Progress`.
    is_dry_run : callable
        Tells whether no job runs.
    """

    def __init__(
        self,
        snakemakes: logging.Handler | None,
        found: Iterable[str],
        results: Callable[[], Iterable[str]],
        planned: Callable[[], Iterable[tuple[str, Mapping[str, str]]]],
        count_units: Callable[[str, Mapping[str, str]], int],
        map_rule: str,
        expected: Mapping[str, float],
        is_dry_run: Callable[[], bool],
    ):
        super().__init__()
        self.snakemakes, self.found, self.results = snakemakes, found, results
        self.planned, self.count_units = planned, count_units
        self.map_rule, self.expected, self.is_dry_run = map_rule, expected, is_dry_run
        self.stream = getattr(snakemakes, "stream", sys.stderr)
        self.is_running = False
        self.progress = Progress([], {})
        self.jobs: dict[int, tuple[str, int, list[str], float]] = {}
        # In order and without those that are there twice.
        self.warnings: dict[str, None] = {}
        self.errors: dict[str, None] = {}
        self.begun = self.printed = time.monotonic()
        self.tenths = 0

    def emit(self, record: Any) -> None:
        """Print what concerns the user; what comes before the jobs is Snakemake's."""
        event = getattr(record, "event", None)
        text = str(record.msg)
        if event == LogEvent.WORKFLOW_STARTED:
            self.is_running = True
        elif not self.is_running:
            if text != OF_EVERY_RUN:
                self._pass_on(record)
        elif event == LogEvent.RUN_INFO:
            self._begin(record)
        elif event == LogEvent.JOB_INFO:
            self._start_job(record)
        elif event == LogEvent.JOB_FINISHED:
            self._finish_job(record)
        elif event == LogEvent.JOB_ERROR:
            self._print_error(record.rule_name, record.log)
        elif event == LogEvent.GROUP_ERROR:
            for job in record.job_error_info:
                self._print_error(job["rule_name"], [*job["log"], *record.aux_logs])
        elif text.startswith(NOTHING_TO_DO):
            self._print(*self.found, "Nothing to be done: all is there.", *self.results())
        elif record.levelno >= logging.WARNING and not text.startswith(OF_FAILED_JOBS):
            self._pass_on(record)

    def print_end(self) -> None:
        """Print that all is done, and where the results are."""
        n_hidden = len(self.warnings) - MOST_LINES
        if n_hidden > 0:
            self._print(f"{n_hidden} more warnings are in the logs.")
        took = describe_duration(time.monotonic() - self.begun)
        self._print(f"Done in {took}.", *self.results())

    def print_failure(self, logs: Iterable[str]) -> None:
        """Repeat all errors at the end, where a user looks; also beside Snakemake's own words."""
        if self.errors:
            print("", *_shortened([*self.errors]), sep="\n", file=self.stream)
        print("Stopped. What Snakemake did:", *logs, file=self.stream, flush=True)

    def _pass_on(self, record: logging.LogRecord) -> None:
        if self.snakemakes and self.snakemakes.filter(record):
            self.snakemakes.emit(record)

    def _print(self, *lines: str) -> None:
        if self.snakemakes:
            print(*lines, sep="\n", file=self.stream, flush=True)

    def _begin(self, record: Any) -> None:
        """What is found and what is to do; a dry run tells the jobs of each rule instead."""
        found, self.found = self.found, ()
        if not found:
            return
        self._print(*found)
        if self.is_dry_run():
            self._print(record.msg, "With -p this shows each job and why it runs.")
            return
        jobs = [(rule, self.count_units(rule, wildcards)) for rule, wildcards in self.planned()]
        self.progress = Progress(jobs, self.expected)
        self.begun = self.printed = time.monotonic()
        todo, left = [count(len(jobs), "job")], self.progress.left
        if n := left["train_cnn"]:
            took = describe_duration(self.expected["train_cnn"])
            todo.append(f"{count(n, 'CNN')} to train (about {took}{' each' if n > 1 else ''})")
        if n := left[self.map_rule]:
            todo.append(f"{count(n, 'image')} to map")
        self._print(f"To do: {', '.join(todo)}")

    def _start_job(self, record: Any) -> None:
        units = self.count_units(record.rule_name, record.wildcards)
        self.jobs[record.jobid] = record.rule_name, units, record.log, time.monotonic()

    def _finish_job(self, record: Any) -> None:
        now = time.monotonic()
        # A job of a group is not announced.
        rule, units, logs, start = self.jobs.pop(record.job_id, ("", 0, [], now))
        self.progress.finish(rule, units, now - start)
        for line in _marked_lines(logs, "FOUND: ")[:MOST_LINES]:
            self._print(line.removeprefix("FOUND: "))
        for line in _marked_lines(logs, "WARNING: "):
            if line not in self.warnings and len(self.warnings) < MOST_LINES:
                self._print(line)
            self.warnings[line] = None
        if rule == "train_cnn":
            group, took = Path(logs[0]).stem, describe_duration(now - start)
            self._print(f"Trained the CNN of {group} in {took}")
        self._print_progress(now)

    def _print_progress(self, now: float) -> None:
        """A line for each tenth of the work."""
        tenths, silence = int(10 * self.progress.share), now - self.printed
        is_due = self.tenths < tenths < 10 and silence > SHORTEST_SILENCE
        if not is_due and silence < LONGEST_SILENCE:
            return
        self.tenths, self.printed = tenths, now
        done, left = self.progress.done[self.map_rule], self.progress.left[self.map_rule]
        images = f"{done} of {done + left} images mapped, " if done + left else ""
        time_left = describe_duration(self.progress.seconds_left(now - self.begun))
        self._print(f"{10 * tenths} % done: {images}about {time_left} left")

    def _print_error(self, rule: str, logs: Iterable[str]) -> None:
        """The sentences of a job that failed, or else the end of its log; and where the log is."""
        where = ", ".join(logs)
        lines = _marked_lines(logs, "ERROR: ")
        if not lines:
            tail = [line for log in logs for line in _lines(log) if not NOISE.search(line)][-TAIL:]
            causes = "killed, out of memory, disk full?"
            lines = [f"ERROR: {rule} ended without a message: {causes} See {where}", *tail]
        new = [line for line in lines if line not in self.errors]
        if new:
            new.append(LOG + where)
            self._print(*_shortened(new))
            self.errors |= dict.fromkeys(new)


def _shortened(lines: list[str]) -> list[str]:
    """The first errors, and the logs that have the others."""
    if len(lines) <= MOST_ERRORS:
        return lines
    shown, others = lines[:MOST_ERRORS], lines[MOST_ERRORS:]
    logs = [line for line in others if line.startswith(LOG)]
    left = f"... and {len(others) - len(logs)} more lines in the logs"
    return [*shown, left, *logs[:MOST_ERRORS]]


def _lines(log: str) -> list[str]:
    try:
        return Path(log).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _marked_lines(logs: Iterable[str], mark: str) -> list[str]:
    return [
        line
        for log in logs
        for line in _lines(log)
        if line.startswith(mark) and not NOISE.search(line)
    ]


def take_over(is_detailed: bool, **of_run: Any) -> Terminal:
    """Print what a user sees of the run, in place of Snakemake.

    Parameters
    ----------
    is_detailed : bool
        Leave the run to Snakemake's own words, and print only its end.
    **of_run
        As of `Terminal`, but for `snakemakes`.

    Returns
    -------
    Terminal
    """
    logger = logging.getLogger("snakemake.logging")
    # None where the user has chosen another with --logger.
    own = next((h for h in logger.handlers if h.name == "DefaultStreamHandler"), None)
    if own is None or is_detailed:
        terminal = Terminal(None, **of_run)
    else:
        terminal = Terminal(own, **of_run)
        logger.removeHandler(own)
    logger.addHandler(terminal)
    return terminal
