"""Every problem of the campaign at once, before the first long job."""


rule check_images:
    # Runs first and alone by its priority and threads. Were it an input of the other rules, a
    # new image would run all of them again, and as ancient() input it would hide from Snakemake
    # the jobs that the new image needs. Its own files are a checksum among its params: as
    # thousands of inputs of one job they would take most of the time of planning.
    output:
        preflight=ensure(f"{RESULTS}/preflight.csv", non_empty=True),
        training=report(
            f"{RESULTS}/training_labels.html",
            caption="captions/training_labels.rst",
            category="Overview",
            labels={"what": "training labels"},
        ),
    log:
        "logs/check_images.log",
    benchmark:
        "logs/check_images.tsv"
    priority: 100
    conda:
        "../envs/ssc.yaml"
    threads: 16
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(60),
    params:
        campaign=config["campaign"],
        files=lambda wc: files_digest(),
        classes=config["classes"],
        tiles=config["tiles"] if config["method"] == "published" else None,
        code=code_digest("check_images.py"),
    script:
        "../workflow_scripts/check_images.py"
