"""What accidents cost a campaign: jobs and Snakemake are killed, and the disk fills up.

It must end with the files of an undisturbed run, byte for byte. From the repository root, as root:
python benchmarks/faults.py; with --slurm on a SLURM of one node, which is drained and restarted.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from accidents import Cluster, Snakemake, Workstation
from workflow import ROOT, run_workflow, write_config

RIVER = "Clearbrook"
SIZE = 160  # px
LABELLED = 10  # one in ten images has labels
# Trains in seconds: this is about jobs, not about maps.
CNN = {"encoder": "plain", "steps": 50, "patch_size": 64, "channels": [16, 32]}
REFINE = {"epochs": 2, "n_samples": 5000}
# Hold the time of the run.
TIMED = {"report/provenance.json", "report/report.html"}
LONGEST = 3600  # s without an end
# In Snakemake's own logs.
STARTED = r"(?:local)?rule (\w+):"
FINISHED = r"Finished jobid: \d+ \(Rule: (\w+)\)"


def main():
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        out = (args.out or Path(temporary)).resolve()
        rng = np.random.default_rng(args.seed)
        config = make_campaign(out, args, rng)
        start = time.monotonic()
        results = run_workflow(out / "quiet", config, ["--cores", str(args.cores)])
        quiet, expected = time.monotonic() - start, digests(results)
        needed = count_jobs(out / "quiet/.snakemake/log", FINISHED)
        folder = out / "disturbed"
        folder.mkdir()
        write_config(folder, config | {"results": "results"})
        place = Cluster(folder) if args.slurm else Workstation(folder, args.cores, size_of(results))
        with place:
            start = time.monotonic()
            happened, killed = disturb(place, len(expected), quiet, args, rng)
            took, found = time.monotonic() - start, digests(folder / "results")
            parts = [*folder.rglob(".part-*")]
        counts = {"needed": needed, "started": count_jobs(place.logs, STARTED)}
        counts |= {"killed": killed, "finished": count_jobs(place.logs, FINISHED)}
    print(markdown(pd.DataFrame(counts).fillna(0).astype(int)))
    print(", ".join(f"{what}: {happened[what]}" for what in happened))
    print(f"{took:.0f} s, {quiet:.0f} s undisturbed, a job killed every {quiet / args.kills:.0f} s")
    differing = sorted(n for n in expected.keys() | found if expected.get(n) != found.get(n))
    print(
        f"{len(expected)} files, {len(differing)} of them differ; {len(parts)} parts of files left"
    )
    if differing or parts:
        sys.exit("\n".join([*differing, *map(str, parts)]))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=500)
    per_job = {"type": lambda text: text if text == "auto" else int(text), "default": "auto"}
    parser.add_argument("--images-per-job", **per_job, help="as campaign.images_per_job")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--slurm", action="store_true", help="on a SLURM of this machine alone")
    # The interval is a share of the undisturbed run: on a slow machine jobs need longer to end.
    parser.add_argument("--kills", type=int, default=30, help="jobs to kill")
    parser.add_argument("--pause", type=float, default=5, help="seconds that other accidents last")
    parser.add_argument("--seed", type=int, default=0, help="of accidents and images")
    parser.add_argument("--cnn", type=Path, help="model/<group> of a finished run, else trained")
    parser.add_argument("--out", type=Path, help="where to work; a temporary folder by default")
    return parser.parse_args()


def train_cnn(out: Path) -> Path:
    """Train a CNN on the labelled images of the sample river."""
    groups = {"trained": {"train": [RIVER], "predict": []}}
    campaign = {"train": str(ROOT / "sample_data/train"), "predict": [], "groups": groups}
    model = "results/trained/model/trained"
    run_workflow(out / "cnn", {"campaign": campaign, "cnn": CNN}, ["--cores", "2", f"{model}.onnx"])
    return out / "cnn" / model


def make_campaign(out: Path, args: argparse.Namespace, rng: np.random.Generator) -> dict:
    """Cut random pieces out of the sample images; the config that maps them."""
    cnn = (args.cnn or train_cnn(out)).resolve()
    sources = sorted(ROOT.glob(f"sample_data/*/SCLS_{RIVER}_*.tif"))
    folder = out / "images"
    folder.mkdir(parents=True)
    for number in range(args.images):
        path = sources[rng.integers(len(sources))]
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        image = path.with_name(path.name.removeprefix("SCLS_")).with_suffix(".jpg")
        top, left = (rng.integers(length - SIZE) for length in labels.shape)
        part = np.s_[top : top + SIZE, left : left + SIZE]
        name = f"{RIVER}_{number + 1:04}"
        cv2.imwrite(str(folder / f"{name}.png"), cv2.imread(str(image))[part])
        if number % LABELLED == 0:
            cv2.imwrite(str(folder / f"SCLS_{name}.tif"), labels[part])
    groups = {RIVER: {"model": f"{cnn}.h5", "predict": [RIVER]}}
    campaign = {"predict": "../images", "groups": groups, "images_per_job": args.images_per_job}
    return {"campaign": campaign, "refine": REFINE}


def disturb(
    place: Snakemake,
    n_files: int,
    quiet: float,
    args: argparse.Namespace,
    rng: np.random.Generator,
) -> tuple[Counter, Counter]:
    """Run Snakemake again and again, with accidents, until it ends well.

    Parameters
    ----------
    place : Snakemake
    n_files : int
        Files of an undisturbed run: the accidents are spread over it.
    quiet : float
        Seconds of that run: jobs are killed at the pace of all kills in it.
    args : argparse.Namespace
        With the number of jobs to kill, and the seconds that another accident lasts.
    rng : numpy.random.Generator

    Returns
    -------
    (Counter, Counter)
        How often what happened, and killed jobs by rule.
    """
    happened, killed, every = Counter(), Counter(), quiet / args.kills
    n = len(place.accidents)
    due = deque((n_files * (k + 1) / (n + 1), what) for k, what in enumerate(place.accidents))
    begun = time.monotonic()
    end, over, next_kill = None, begun, begun + rng.exponential(every)
    place.start()
    while (status := place.process.poll()) != 0 or end:
        now = time.monotonic()
        if now - begun > LONGEST:
            sys.exit(f"No end after {LONGEST} s; see {place.output}")
        if end and now > over:
            end()
            end = None
        elif status and not end:
            happened["started again"] += 1
            happened["unlocked"] += place.start_again()
        elif due and not end and count_files(place.folder / "results") > due[0][0]:
            what = due.popleft()[1]
            happened[what.replace("_", " ")] += 1
            end, over = getattr(place, what)(), now + args.pause
        # A job that takes longer than it is left alone would never end.
        if now > next_kill and killed.total() < args.kills:
            next_kill = now + rng.exponential(every)
            if rule := place.kill_job(rng):
                happened["job killed"] += 1
                killed[rule] += 1
        time.sleep(0.2)
    return happened, killed


def count_files(results: Path) -> int:
    # Unlike pathlib, os.walk passes over folders that vanish meanwhile.
    found, logs = os.walk(results), results / "logs"
    return sum(len(files) for folder, _, files in found if not Path(folder).is_relative_to(logs))


def size_of(results: Path) -> int:
    """Bytes of all files of a run, Snakemake's own among them."""
    command = ["du", "--summarize", "--block-size=1", results.parent]
    return int(subprocess.check_output(command, text=True).split()[0])


def digests(results: Path) -> dict[str, str]:
    """SHA-256 of each file but the logs and those that hold times."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in results.rglob("*")
        if path.is_file()
        and not (name := str(path.relative_to(results))).startswith("logs/")
        and name not in TIMED
    }


def count_jobs(logs: Path, pattern: str) -> Counter:
    """Jobs by rule, in Snakemake's own logs."""
    text = "\n".join(log.read_text() for log in logs.glob("*.log"))
    return Counter(re.findall(f"^{pattern}", text, re.MULTILINE))


def markdown(table: pd.DataFrame) -> str:
    rows = [["rule", *table.columns], ["---"] * (len(table.columns) + 1)]
    rows += [
        [rule, *map(str, values)]
        for rule, values in zip(table.index, table.to_numpy(), strict=True)
    ]
    rows += [["**all**", *map(str, table.sum())]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
