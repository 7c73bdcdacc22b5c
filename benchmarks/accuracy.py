"""What each choice is worth: real rivers mapped with other settings and seeds, in one table.

Every variant, site and seed is a run of the workflow in a folder of its own under --out, where a
finished run is not repeated. SSC_DATA has to name the folder of the real images.
"""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from workflow import PUBLISHED, ROOT, job_times, run_workflow

SITES = ("monterey", "stmarguerite")
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "published": PUBLISHED,
    "plain encoder": {"cnn": {"encoder": "plain"}},
    "400 steps": {"cnn": {"steps": 400}},
    "encoder at the full rate": {"cnn": {"encoder_learning_rate": 0.001}},
    "brightness jitter 0.25": {"cnn": {"brightness_jitter": 0.25}},
    "no CutMix": {"cnn": {"cutmix": 0}},
    "32 bits": {"cnn": {"mixed_precision": False}},
    "colour weight 0.5": {"refine": {"colour_weight": 0.5}},
    "colour weight 1": {"refine": {"colour_weight": 1}},
    "random forest": {"refine": {"method": "rf"}},
}
# The images of Monterey are small, so tiles overlap.
TILES = {"monterey": {"train_stride": 25, "predict_stride": 25}}
SCORES = ["weighted_f1", "macro_f1", "boundary_f1", "calibration_error"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=["default", "published"])
    parser.add_argument("--sites", nargs="+", choices=SITES, default=SITES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    help = "score the training images, each left out of training, and not the predict images"
    parser.add_argument("--cross-validation", action="store_true", help=help)
    parser.add_argument("--out", type=Path, default=Path("results/accuracy"))
    parser.add_argument("--cores", default="2")
    args = parser.parse_args()
    rows = []
    for variant in args.variants:
        for site in args.sites:
            for seed in args.seeds:
                config = make_config(variant, site) | {"seed": seed}
                images = "folds" if args.cross_validation else "predict"
                if args.cross_validation:
                    config["campaign"] |= {"predict": [], "groups": "cross_validation"}
                name = f"{site}_{images}_{seed}"
                folder = args.out.resolve() / variant.replace(" ", "_") / name
                results = run_workflow(folder, config, ["--cores", args.cores])
                rows += read_scores(results, variant, site, seed)
    table = pd.DataFrame(rows).groupby(["site", "variant", "map"], sort=False)
    print(table.agg(["mean", "std"]).drop(columns="seed").round(2).to_string())


def make_config(variant: str, site: str) -> dict:
    """The config of a site with the settings of a variant."""
    config = yaml.safe_load((ROOT / f"config/{site}.yaml").read_text())
    if variant == "published" and site in TILES:
        config["tiles"] = TILES[site]
    return config | VARIANTS[variant]


def read_scores(results: Path, variant: str, site: str, seed: int) -> list[dict]:
    """Scores of each stage in percent; the most that an image loses by phase 2; training time."""
    totals = pd.read_csv(results / "report/totals.csv")
    compiled = pd.read_csv(results / "report/compiled.csv").query("`class` == 'ALL'")
    f1 = compiled.pivot(index="Image", columns="type", values="f1_score")
    times = job_times(results).groupby("rule")["s"].sum()
    rows = []
    for stage in totals.itertuples():
        row = {"site": site, "variant": variant, "map": stage.type, "seed": seed}
        row |= {score: getattr(stage, score) for score in SCORES}
        row["worst_change"] = (f1[stage.type] - f1["CNN"]).min()
        row["training_s"] = times["train_cnn"]
        rows.append(row)
    return rows


if __name__ == "__main__":
    main()
