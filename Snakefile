"""SSC: land cover of rivers from drone and airborne images.

Every path and number comes from the config file, explained in config/README.md.
"""

from snakemake.utils import min_version

min_version("9.19")


# Without this a limit of one GPU would hold for all of a cluster.
resource_scopes:
    gpu="local",


wildcard_constraints:
    group=r"[^/]+",
    batch=r"[^/]+",
    pool=r"[^/]+",
    river=r"[^/]+",


include: "rules/common.smk"
include: "rules/functions.smk"
include: "rules/check.smk"
include: "rules/train.smk"
include: "rules/classify.smk"
include: "rules/baselines.smk"
include: "rules/evaluate.smk"
include: "rules/areas.smk"
include: "rules/vectors.smk"
include: "rules/report.smk"
include: "rules/slurm.smk"
include: "rules/terminal.smk"


if workflow.is_main_process:
    forget_damaged_batches()


report: "rules/captions/workflow.rst"


rule all:
    default_target: True
    input:
        get_targets(),


onsuccess:
    TERMINAL.print_end()


onerror:
    TERMINAL.print_failure(log)
