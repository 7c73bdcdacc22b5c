"""Pixel classifiers fitted to the training images alone, to compare the CNN and phase 2 with."""

# Counted once for all groups that learn from them: the images of a river, or of a fold.
TRAINING_PARTS = TRAIN_IMAGES | {
    f"folds/{group.name}": CAMPAIGN.held_out_images(group.name)
    for group in CAMPAIGN.groups.values()
    if group.held_out and not group.repeats
}

PART_BLOCKS = {f"folds/{group.name}": group.block for group in CAMPAIGN.groups.values()}


rule count_colours:
    input:
        check=lambda wc: expand(
            rules.check_images.output.table,
            split="train",
            unit=rivers_of(TRAINING_PARTS[wc.part]),
        ),
        images=lambda wc: image_files(TRAINING_PARTS[wc.part]),
        labels=lambda wc: expand(
            rules.check_images.output.labels,
            split="train",
            unit=rivers_of(TRAINING_PARTS[wc.part]),
        ),
    output:
        counts=ensure(f"{RESULTS}/colour_counts/{{part}}.npz", non_empty=True),
    log:
        f"{LOGS}/count_colours/{{part}}.log",
    benchmark:
        f"{LOGS}/count_colours/{{part}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        images=lambda wc: paths(TRAINING_PARTS[wc.part]),
        white=WHITE_LEVEL,
        names=lambda wc: names(TRAINING_PARTS[wc.part]),
        files=lambda wc: campaign.files_digest(TRAINING_PARTS[wc.part]),
        median_size=config["refine"]["median_size"],
        colour_bits=config["refine"]["colour_bits"],
        block=lambda wc: PART_BLOCKS.get(wc.part),
        code=code_digest("count_colours.py"),
    script:
        "../workflow_scripts/count_colours.py"


rule fit_baselines:
    input:
        counts=lambda wc: expand(
            rules.count_colours.output.counts, part=training_parts(wc.group)
        ),
    output:
        tables=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_baselines.npz", non_empty=True
        ),
    log:
        f"{LOGS}/fit_baselines/{{group}}.log",
    benchmark:
        f"{LOGS}/fit_baselines/{{group}}.tsv"
    wildcard_constraints:
        group=any_of_regex(GROUPS_TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(4000),
        runtime=scale_by_attempt(240),
    params:
        baselines=config["baselines"],
        settings={
            key: config["refine"][key]
            for key in ("hidden_layers", "epochs", "n_samples", "n_trees")
        },
        seed=lambda wc: CAMPAIGN.groups[wc.group].seed,
        code=code_digest("fit_baselines.py"),
    script:
        "../workflow_scripts/fit_baselines.py"


rule map_baselines:
    input:
        check=batch_checks,
        area=area_file(),
        tables=rules.fit_baselines.output.tables,
    output:
        record=ensure(
            f"{RESULTS}/{{group}}/baselines/batches/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/map_baselines/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/map_baselines/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=memory_by_image(1000, 40),
        runtime=runtime_by_image,
    params:
        names=lambda wc: names(labelled(batch_images(wc))),
        images=lambda wc: paths(labelled(batch_images(wc))),
        white=WHITE_LEVEL,
        files=lambda wc: campaign.files_digest(labelled(batch_images(wc))),
        median_size=config["refine"]["median_size"],
        colour_bits=config["refine"]["colour_bits"],
        classes=config["classes"],
        code=code_digest("map_baselines.py"),
    script:
        "../workflow_scripts/map_baselines.py"
