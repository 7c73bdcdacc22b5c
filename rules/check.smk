"""Every problem of the campaign at once, before the first long job."""


rule check_images:
    # What a job reads is checked by a job of its own, so that a new image runs nothing else again.
    # A problem does not fail this job, but those that need the images: check_campaign, which lists
    # all problems, comes first.
    input:
        images=lambda wc: image_files(images_to_check(wc)),
        labels=lambda wc: label_files(images_to_check(wc)),
        # Nothing is learned anew when it changes.
        area=lambda wc: area_file() if wc.split == "predict" else [],
    output:
        table=ensure(f"{RESULTS}/check/{{split}}/{{unit}}.csv", non_empty=True),
        labels=ensure(
            f"{RESULTS}/labels/{{split}}/batches/{{unit}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/check_images/{{split}}/{{unit}}.log",
    benchmark:
        f"{LOGS}/check_images/{{split}}/{{unit}}.tsv"
    wildcard_constraints:
        split="train|predict",
    priority: 100
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        images=lambda wc: [vars(image) for image in images_to_check(wc)],
        files=lambda wc: campaign.files_digest(images_to_check(wc)),
        white=WHITE_LEVEL,
        max_megapixels=config["campaign"]["max_megapixels"],
        # No input: only images whose own polygons change, which `files` tells, are checked again.
        polygons=lambda wc: (
            POLYGON_FILES if any(i.polygons for i in images_to_check(wc)) else []
        ),
        class_column=config["campaign"]["class_column"],
        remap=config["campaign"]["remap"],
        classes=CLASS_NAMES,
        tiles=tiles_to_check,
        code=code_digest("check_images.py"),
    script:
        "../workflow_scripts/check_images.py"


rule check_campaign:
    input:
        tables=expand(
            rules.check_images.output.table, split="train", unit=TRAIN_IMAGES
        )
        + expand(rules.check_images.output.table, split="predict", unit=BATCHES),
    output:
        preflight=ensure(f"{RESULTS}/preflight.csv", non_empty=True),
        labels=ensure(f"{RESULTS}/training_labels.csv", non_empty=True),
    log:
        f"{LOGS}/check_campaign.log",
    benchmark:
        f"{LOGS}/check_campaign.tsv"
    priority: 100
    conda:
        "../envs/ssc.yaml"
    # As many as there are: nothing long begins beside it.
    threads: 16
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        groups={
            g: [image.path for image in CAMPAIGN.train_images(g)]
            for g in GROUPS_TO_TRAIN
            if not CAMPAIGN.groups[g].repeats
        },
        classes=config["classes"],
        ignored=CAMPAIGN.ignored,
        code=code_digest("check_campaign.py"),
    script:
        "../workflow_scripts/check_campaign.py"


rule record_campaign:
    # Removes the results of what the campaign no longer has. First and alone: a training that begins
    # beside it would keep check_campaign waiting.
    output:
        config=ensure(f"{LOGS}/config.yaml", non_empty=True),
        versions=ensure(f"{LOGS}/versions.txt", non_empty=True),
        methods=ensure(f"{RESULTS}/report/methods.txt", non_empty=True),
    log:
        f"{LOGS}/record_campaign.log",
    priority: 200
    conda:
        "../envs/ssc.yaml"
    threads: 16
    resources:
        mem_mb=scale_by_attempt(1000),
        runtime=scale_by_attempt(30),
    params:
        config=config,
        seeds=SEEDS,
        images=count_images(),
        designs=sorted({group.design for group in CAMPAIGN.groups.values()}),
        prefixes=RESULT_PREFIXES,
        checks={"train": list(TRAIN_IMAGES), "predict": list(BATCHES)},
        labels={
            "train": names(labelled(CAMPAIGN.train.values())),
            "predict": names(labelled(CAMPAIGN.predict.values())),
        },
        groups={
            group: {
                "images": names(images_of([group])),
                "batches": list(batches),
                "labelled_images": names(labelled(images_of([group]))),
                "labelled_batches": list(scored_batches(group)),
            }
            for group, batches in GROUP_BATCHES.items()
        },
        pools={
            pool: {
                "rivers": rivers_of(images_of(groups)),
                "labelled_rivers": rivers_of(labelled(images_of(groups))),
            }
            for pool, groups in POOLS.items()
        },
        code=code_digest("record_campaign.py"),
    script:
        "../workflow_scripts/record_campaign.py"
