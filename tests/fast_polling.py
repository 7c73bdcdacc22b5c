"""Snakemake, asking SLURM every second how its jobs are, not every 40 seconds and more."""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(
    lambda self: 1, lambda self, seconds: None
)
sys.exit(main())
