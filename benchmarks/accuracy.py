"""What each choice is worth: real rivers mapped with other settings and seeds, in one table.

Every variant, site and seed is a run of the workflow in a folder of its own under --out, where a
finished run is not repeated. SSC_DATA has to name the folder of the real images.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml
from workflow import ROOT, run_workflow

SITES = ("monterey", "stmarguerite")
VARIANTS = {
    "default": {},
    "published": {"method": "published"},
    "900 steps": {"dense": {"steps": 900}},
    "3000 steps": {"dense": {"steps": 3000}},
    "window 128": {"dense": {"window": 128, "batch_size": 28}},
    "window 384": {"dense": {"window": 384, "batch_size": 4}},
    "light 0": {"dense": {"light": 0}},
    "light 0.3": {"dense": {"light": 0.3}},
    "channels 96-192-384": {"dense": {"channels": [96, 192, 384]}},
    "32 bits": {"dense": {"mixed_precision": False}},
    "weight 0.5": {"refine": {"weight": 0.5}},
    "weight 1": {"refine": {"weight": 1}},
    "random forest": {"refine": {"method": "rf"}},
}
SCORES = ["weighted_f1", "macro_f1", "boundary_f1", "calibration_error"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["default", "published"])
    parser.add_argument("--sites", nargs="+", choices=SITES, default=SITES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--out", type=Path, default=Path("results/accuracy"))
    parser.add_argument("--cores", default="2")
    args = parser.parse_args()
    rows = []
    for variant in args.variants:
        for site in args.sites:
            for seed in args.seeds:
                folder = args.out.resolve() / variant.replace(" ", "_") / f"{site}_{seed}"
                config = yaml.safe_load((ROOT / f"config/{site}.yaml").read_text())
                config |= VARIANTS[variant] | {"seed": seed}
                results = run_workflow(folder, config, ["--cores", args.cores])
                rows += read(results, variant, site, seed)
    table = pd.DataFrame(rows).groupby(["site", "variant", "map"], sort=False)
    print(table.agg(["mean", "std"]).drop(columns="seed").round(2).to_string())


def read(results: Path, variant: str, site: str, seed: int) -> list[dict]:
    """Scores of each stage in percent; the most that an image loses by phase 2; training time."""
    totals = pd.read_csv(results / "report/totals.csv")
    compiled = pd.read_csv(results / "report/compiled.csv").query("`class` == 'ALL'")
    f1 = compiled.pivot(index="Image", columns="type", values="f1_score")
    logs = results.parents[1] / "logs"
    rows = []
    for stage in totals.itertuples():
        row = {"site": site, "variant": variant, "map": stage.type, "seed": seed}
        row |= {score: getattr(stage, score) for score in SCORES}
        row["worst_change"] = (f1[stage.type] - f1["CNN"]).min()
        row["training_s"] = sum(
            pd.read_csv(path, sep="\t")["s"].sum() for path in logs.glob("train_*/**/*.tsv")
        )
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
