"""Every problem of the campaign at once, before the first long job."""


rule check_images:
    # Whatever reads images waits for this with ancient(): a new image is checked, but makes
    # nothing run anew that does not read it. update() keeps the old table if the check fails.
    input:
        images=[image.path for image in CAMPAIGN.train.values()]
        + [image.path for image in CAMPAIGN.predict.values()],
        labels=[image.label for image in CAMPAIGN.train.values()]
        + [image.label for image in labelled(CAMPAIGN.predict.values())],
    output:
        preflight=update(f"{RESULTS}/preflight.csv"),
        tiles=update(
            report(
                f"{RESULTS}/training_tiles.html",
                caption="captions/training_tiles.rst",
                category="Overview",
                labels={"what": "training tiles"},
            )
        ),
    log:
        "logs/check_images.log",
    benchmark:
        "logs/check_images.tsv"
    conda:
        "../envs/ssc.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        campaign=config["campaign"],
        classes=config["classes"],
        tiles=config["tiles"],
        code=code_digest("check_images.py"),
    script:
        "../workflow_scripts/check_images.py"
