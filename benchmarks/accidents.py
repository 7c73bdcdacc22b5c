"""Where a campaign runs, and the accidents that can happen to it there."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from workflow import ROOT, snakemake_command

sys.path.append(str(ROOT / "tests"))
from slurm_node import SlurmNode, shell, wait_for, why_not

ROOM = 1.5  # on the small disk, in sizes of an undisturbed run
SCRIPT = re.compile(r"/\.snakemake/scripts/\w+\.(\w+)\.py$")


class Snakemake:
    """Snakemake in a folder, to be killed and started again.

    Attributes
    ----------
    folder : Path
        Where it runs; it has a `config.yaml`.
    output : Path
        What its terminal showed.
    logs : Path
        Folder of its own logs.
    process : subprocess.Popen
    accidents : sequence of str
        Methods that let something happen and return what ends it, if it must be ended.
    """

    accidents: Sequence[str]

    def __init__(self, folder: Path, command: list[str]):
        self.folder, self.command = folder, command
        self.output = folder.with_name("terminal.txt")
        self.logs = folder.with_name("snakemake_logs")

    def __enter__(self):
        # What the figures are counted from shall survive a full disk.
        self.logs.mkdir()
        (self.folder / ".snakemake").mkdir()
        (self.folder / ".snakemake/log").symlink_to(self.logs)
        return self

    def start(self) -> None:
        with self.output.open("a") as stream:
            print("---", file=stream, flush=True)
            out = {"stdout": stream, "stderr": stream}
            self.process = subprocess.Popen(self.command, cwd=self.folder, **out)

    def start_again(self) -> bool:
        """As a user would: whether Snakemake asked to unlock the folder first."""
        asks = "--unlock" in self.output.read_text().rpartition("---\n")[2]
        if asks:
            subprocess.run(snakemake_command("--unlock"), cwd=self.folder, check=True)
        self.start()
        return asks

    def snakemake_killed(self) -> None:
        self.process.kill()
        self.process.wait()


class Workstation(Snakemake):
    """Jobs on this machine, and a small disk for all that they and Snakemake write."""

    accidents = ("disk_full", "snakemake_killed") * 2

    def __init__(self, folder: Path, cores: int, size: int):
        super().__init__(
            folder, snakemake_command("--cores", str(cores), "--retries", "2", "--keep-going")
        )
        self.size = size

    def __enter__(self):
        config = (self.folder / "config.yaml").read_text()
        options = ["-t", "tmpfs", "-o", f"size={round(ROOM * self.size)}"]
        mounted = subprocess.run(["mount", *options, "tmpfs", self.folder], check=False)
        self.is_mounted = mounted.returncode == 0
        if not self.is_mounted:
            print("disk full: not tried, for no small disk could be mounted (only root can)")
            self.accidents = [what for what in self.accidents if what != "disk_full"]
        (self.folder / "config.yaml").write_text(config)
        return super().__enter__()

    def __exit__(self, *error):
        self.process.kill()
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def jobs(self) -> list[psutil.Process]:
        """The scripts that run, also those that lost their Snakemake."""
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if (line := process.info["cmdline"])
            and line[-1].startswith(str(self.folder))
            and SCRIPT.search(line[-1])
        ]

    def kill_job(self, rng: np.random.Generator) -> str | None:
        """Kill one of the running jobs; its rule."""
        jobs = self.jobs()
        if not jobs:
            return None
        job = jobs[rng.integers(len(jobs))]
        try:
            job.kill()
        except psutil.NoSuchProcess:
            return None
        return SCRIPT.search(job.info["cmdline"][-1])[1]

    def disk_full(self) -> Callable[[], None]:
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        return filler.unlink


class Cluster(Snakemake):
    """Jobs on a SLURM of one node."""

    accidents = (
        "node_drained",
        "snakemake_killed",
        "controller_restarted",
        "snakemake_killed",
        "node_drained",
    )

    def __init__(self, folder: Path):
        if reason := why_not():
            sys.exit(reason)
        command = snakemake_command("--profile", str(ROOT / "profiles/slurm"))
        # In place of -m snakemake.
        command[1:3] = [str(ROOT / "tests/fast_polling.py")]
        super().__init__(folder, command)
        self.slurm = SlurmNode(folder.with_name("slurm"))

    def __enter__(self):
        self.slurm.folder.mkdir()
        self.slurm.start_all()
        return super().__enter__()

    def __exit__(self, *error):
        self.process.kill()
        self.slurm.stop_all()

    def start_again(self) -> bool:
        # Jobs go on without Snakemake: docs/cluster.md.
        shell("scancel --user root")
        wait_for(lambda: not shell("squeue -h"))
        return super().start_again()

    def kill_job(self, rng: np.random.Generator) -> str | None:
        """Cancel one of the running jobs; its rule."""
        jobs = self.slurm.jobs(state="RUNNING")
        if not jobs:
            return None
        job = jobs[rng.integers(len(jobs))]
        shell(f"scancel {job['JobId']}")
        return re.match(r"rule_(\w+?)(_wildcards|$)", job["Comment"])[1]

    def node_drained(self) -> Callable[[], None]:
        node = shell("sinfo -h -o %n").split()[0]
        shell(f"scontrol update nodename={node} state=drain reason=benchmark")
        return lambda: shell(f"scontrol update nodename={node} state=resume")

    def controller_restarted(self) -> Callable[[], None]:
        os.kill(int((self.slurm.folder / "slurmctld.pid").read_text()), 9)
        return lambda: self.slurm.start("slurmctld")
