"""Write down the config with all defaults and the versions; remove results that are stale."""

import logging
import platform
from importlib.metadata import distributions
from pathlib import Path

import yaml

from job import run_job
from results import atomic_path, remove_stale_results


def main(snakemake):
    params, output = snakemake.params, snakemake.output
    results = Path(output.config).parents[1]
    removed = remove_stale_results(
        results, params.groups, params.pools, params.prefixes, params.checks, params.labels
    )
    for path in removed:
        logging.info("removed %s: no longer of this campaign", path)
    versions = {d.name: d.version for d in distributions()} | {"Python": platform.python_version()}
    with atomic_path(output.versions) as path:
        lines = [f"{name} {versions[name]}\n" for name in sorted(versions, key=str.lower)]
        path.write_text("".join(lines), "utf-8")
    with atomic_path(output.config) as path:
        path.write_text(yaml.safe_dump(params.config, allow_unicode=True, sort_keys=False), "utf-8")


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake)
