"""Write down config, versions and methods of the campaign; remove results that are stale."""

import logging
import platform
from importlib.metadata import distributions
from pathlib import Path

import yaml

from job import run_job
from results import atomic_path, remove_stale_results
from ssc.evaluation.methods import describe_methods
from ssc.report.provenance import read_version


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    results = Path(output.config).parents[1]
    removed = remove_stale_results(
        results, params.groups, params.pools, params.prefixes, params.checks, params.labels
    )
    seeds = results / "report/seeds.csv"
    if len(params.seeds) == 1 and seeds.exists():
        seeds.unlink()
        removed.append(seeds)
    for path in removed:
        logging.info("removed %s: no longer of this campaign", path)
    versions = {d.name: d.version for d in distributions()} | {"Python": platform.python_version()}
    with atomic_path(output.versions) as path:
        lines = [f"{name} {versions[name]}\n" for name in sorted(versions, key=str.lower)]
        path.write_text("".join(lines), "utf-8")
    config = params.config
    with atomic_path(output.methods) as path:
        text = describe_methods(
            classes=[c["name"] for c in config["classes"].values()],
            images=params.images,
            designs=params.designs,
            folds=config["campaign"]["folds"],
            seeds=params.seeds,
            version=read_version(Path(__file__).parents[1]),
            versions=versions,
            **{part: config[part] for part in ("cnn", "tiles", "refine", "baselines")},
        )
        path.write_text(text, "utf-8")
    with atomic_path(output.config) as path:
        path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), "utf-8")


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
