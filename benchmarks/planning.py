"""What planning campaigns of thousands of images costs, and what a finished one leaves on disk.

The campaigns are fake: copies of one tiny image, and scripts that write empty answers in the
place of ours. From the repository root: python benchmarks/planning.py --out FOLDER
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from workflow import ROOT, snakemake_command, write_config

RIVERS = 5
LABELLED = 10  # one in ten images to map has labels
CAMPAIGN = {"train": "train", "predict": "predict"}
STOP = "raise SystemExit('planned')\n"
EMPTY_ANSWER = """from pathlib import Path

from results import open_batch

FILES = {
    "classify_images": ["CNN_{}.tif", "confidence_{}.tif", "probabilities_{}.tif"],
    "refine_pixels": ["MLP_{}.tif", "confidence_{}.tif"],
    "score_images": ["CNN_{}.csv", "MLP_{}.csv", "reliability_{}.csv"],
    "plot_panels": ["{}.png"],
}
for path in map(Path, snakemake.output):
    if path.suffix:
        path.write_text("answer")
    else:
        path.mkdir()
if snakemake.rule in FILES:
    with open_batch(snakemake.output.record) as batch:
        for image in snakemake.params.names:
            for name in FILES[snakemake.rule]:
                with batch.file(name.format(image)) as path:
                    path.write_text("answer")
                    if name.startswith(("CNN_", "MLP_")) and path.suffix == ".tif":
                        Path(f"{path}.aux.xml").write_text("answer")
"""


def main():
    args = parse_arguments()
    with tempfile.TemporaryDirectory() as temporary:
        out = (args.out or Path(temporary)).resolve()
        plans = [plan(out, *campaign) for campaign in args.plan]
        finished = [finish(out, *campaign) for campaign in args.finish]
    for table in plans + [rows for rows, _ in finished]:
        print(pd.DataFrame(table).to_string(index=False), end="\n\n")
    for _, counts in finished:
        print(counts.to_string(), end="\n\n")


def parse_arguments():
    def campaign(text):
        images, per_job = text.split(":")
        return int(images), per_job if per_job == "auto" else int(per_job)

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    common = {"type": campaign, "nargs": "*", "metavar": "IMAGES:IMAGES_PER_JOB"}
    planned, finished = [(10_000, "auto"), (100_000, 200)], [(1_000, "auto"), (1_000, 50)]
    parser.add_argument("--plan", **common, default=planned, help="only to be planned")
    parser.add_argument("--finish", **common, default=finished, help="to be finished, too")
    parser.add_argument("--out", type=Path, help="where to put them; a temporary folder by default")
    return parser.parse_args()


def plan(out, images, per_job):
    folder = make_campaign(out / f"plan_{images}_{per_job}", images)
    (folder / "ssc/workflow_scripts/check_images.py").write_text(STOP)
    return [
        run(folder, images, per_job, "dry run", "--dry-run"),
        run(folder, images, per_job, "run, up to the first job", "--cores", "2"),
    ]


def finish(out, images, per_job):
    folder = make_campaign(out / f"finish_{images}_{per_job}", images)
    for script in job_scripts(folder / "ssc"):
        script.write_text(EMPTY_ANSWER)
    rows = [run(folder, images, per_job, "run, empty jobs", "--cores", "2")]
    counts = count_files(folder, images, rows[0]["jobs"])
    rows.append(run(folder, images, per_job, "finished", "--cores", "2"))
    shutil.copyfile(*(folder / f"predict/River1_{n:06}.jpg" for n in (0, images + RIVERS)))
    rows.append(run(folder, images + 1, per_job, "one image more", "--dry-run"))
    return rows, counts


def make_campaign(folder, images):
    """A copy of the workflow and images of a few rivers, in a new folder."""
    for name in ("rules", "workflow_scripts", "config", "envs", "profiles"):
        shutil.copytree(ROOT / name, folder / "ssc" / name)
    shutil.copyfile(ROOT / "Snakefile", folder / "ssc/Snakefile")
    jpeg = cv2.imencode(".jpg", np.full((64, 64, 3), 128, np.uint8))[1].tobytes()
    for role, n in (("train", 4 * RIVERS), ("predict", images)):
        (folder / role).mkdir()
        for number in range(n):
            image = f"River{number % RIVERS + 1}_{number:06}"
            (folder / role / f"{image}.jpg").write_bytes(jpeg)
            if role == "train" or number // RIVERS % LABELLED == 0:
                (folder / role / f"SCLS_{image}.tif").write_bytes(b"labels")
    return folder


def job_scripts(workflow):
    """The scripts that the rules run; the other modules are read in planning."""
    rules = "".join(path.read_text() for path in workflow.glob("rules/*.smk"))
    names = set(re.findall(r'"\.\./(workflow_scripts/\w+\.py)"', rules))
    return [workflow / name for name in sorted(names)]


def run(folder, images, per_job, what, *arguments):
    """Run Snakemake; what it planned and took."""
    config = {"campaign": CAMPAIGN | {"images_per_job": per_job}}
    write_config(folder, config)
    command = snakemake_command(*arguments, snakefile=folder / "ssc/Snakefile")
    log, start = folder / f"{what}.txt", time.perf_counter()
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream)
        _, _, used = os.wait4(process.pid, 0)
    wall, text = time.perf_counter() - start, log.read_text()
    # The table of a dry run, or what a run says it has to do.
    jobs = re.search(r"^(?:total +|To do: )([\d,]+)", text, re.MULTILINE)
    if not jobs and "Nothing to be done" not in text:
        sys.exit(f"{what}: no plan; see {log}")
    return {
        "images": images,
        "images_per_job": per_job,
        "what": what,
        "jobs": int(jobs[1].replace(",", "")) if jobs else 0,
        "user s": round(used.ru_utime, 1),
        "system s": round(used.ru_stime, 1),
        "wall s": round(wall, 1),
        "peak MB": used.ru_maxrss // 1024,
    }


def count_files(folder, images, jobs):
    """Files and folders by where they are, after a run."""
    counts = Counter()
    for where in (".snakemake", "results"):
        for root, folders, files in os.walk(folder / where):
            place = "/".join(Path(root).relative_to(folder).parts[:2])
            counts[place] += len(files) + len(folders)
    table = pd.DataFrame({"files": counts}).sort_index()
    table["an image"] = (table["files"] / images).round(2)
    table["a job"] = (table["files"] / jobs).round(2)
    return table


if __name__ == "__main__":
    main()
