"""A real SLURM of one node for the tests: two partitions, two GPUs that are none, no systemd."""

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
CLUSTER = "ssctest"
# Job steps look for the configuration there, whatever SLURM_CONF says.
ETC = Path("/etc/slurm")
# More CPUs and memory than a test machine has: its jobs are small. A GPU is any character device.
CONF = """
ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
EnforcePartLimits=ALL
GresTypes=gpu
SchedulerParameters=bf_interval=1,batch_sched_delay=0,sched_interval=2
MinJobAge=3600
KillWait=2
MessageTimeout=2
SlurmdTimeout=30
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=6 RealMemory=64000 Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES
PartitionName=gpu Nodes={host}
"""
GRES = "AutoDetect=off\nName=gpu File=/dev/null\nName=gpu File=/dev/zero\n"


def why_not():
    """Why SLURM cannot run here, or nothing."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    if missing := [name for name in DAEMONS if not shutil.which(name)]:
        return f"{', '.join(missing)} missing: apt-get install slurm-wlm munge"
    if (ETC / "slurm.conf").exists():
        return "this machine belongs to a SLURM cluster already"
    return None


class SlurmNode:
    def __init__(self, folder):
        self.folder = folder

    def start_all(self):
        folder = self.folder
        host = subprocess.check_output(["hostname", "-s"], text=True).strip()
        for name in ("state", "spool"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        (folder / "munge.key").write_bytes(os.urandom(1024))
        (folder / "munge.key").chmod(0o400)
        ETC.mkdir(exist_ok=True)
        (ETC / "slurm.conf").write_text(CONF.format(cluster=CLUSTER, host=host, folder=folder))
        (ETC / "gres.conf").write_text(GRES)
        self.start(*DAEMONS)
        wait_for(lambda: "idle" in shell("sinfo -h -o %T"))
        return self

    def stop_all(self):
        shell("scancel --user root")
        wait_for(lambda: not shell("squeue -h"))
        self.stop("slurmd", "slurmctld", "munged")
        end_processes_of_jobs()
        for name in ("slurm.conf", "gres.conf"):
            (ETC / name).unlink(missing_ok=True)

    def start(self, *daemons):
        """Each goes to the background and writes its own pid file."""
        for name in daemons:
            options = []
            if name == "munged":
                files = {"key-file": "key", "socket": "socket", "seed-file": "seed"}
                files |= {"pid-file": "pid", "log-file": "log"}
                # pytest's folders are closed to others, but here all is root.
                options = ["--force"]
                options += [f"--{key}={self.folder}/munge.{end}" for key, end in files.items()]
            subprocess.run([name, *options], check=True)

    def stop(self, *daemons):
        for name in daemons:
            file = self.folder / ("munge.pid" if name == "munged" else f"{name}.pid")
            if not file.is_file():
                continue
            pid = int(file.read_text())
            os.kill(pid, 15)
            wait_for(lambda pid=pid: not running(pid))

    def suspend(self, job):
        """Stop the processes of a job where they are; whether it had any yet."""
        processes = processes_with("SLURM_JOB_ID", job)
        for process in processes:
            process.suspend()
        return bool(processes)

    def jobs(self, rule="", state=""):
        """What SLURM knows of each job of a rule, ended ones too, in the order of submission."""
        jobs = [
            dict(word.split("=", 1) for word in line.split() if "=" in word)
            for line in shell("scontrol show job --details --oneliner").splitlines()
        ]
        return [
            job
            for job in jobs
            if f"rule_{rule}" in job.get("Comment", "") and state in job["JobState"]
        ]


def shell(command):
    return subprocess.run(command.split(), text=True, capture_output=True, check=False).stdout


def end_processes_of_jobs():
    """Without cgroups SLURM loses sight of those whose parent was killed before them."""
    # Jobs of another SLURM, which may run these tests, are none of ours.
    for process in processes_with("SLURM_CLUSTER_NAME", CLUSTER):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def processes_with(variable, value):
    """Those whose environment has this value, the oldest first."""
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(variable) == value
    ]


def running(pid):
    """Whether a process is there and no zombie, which nobody may reap."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(happens, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return found
