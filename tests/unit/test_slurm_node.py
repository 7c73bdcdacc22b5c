"""The SLURM of the tests ends its own jobs only."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("psutil")

import slurm_node


def start(**variables):
    command = [sys.executable, "-c", "input()"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | variables)


def test_jobs_of_another_slurm_stay(monkeypatch):
    # Not the name of the SLURM of other tests, which may run at this moment.
    monkeypatch.setattr(slurm_node, "CLUSTER", "own")
    own = start(SLURM_JOB_ID="1", SLURM_CLUSTER_NAME="own")
    other = start(SLURM_JOB_ID="1", SLURM_CLUSTER_NAME="site")
    try:
        slurm_node.end_processes_of_jobs()
        assert own.wait(10) == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
