"""Pixel classifiers fitted to the training images alone, to compare the CNN and phase 2 with."""


rule count_colours:
    input:
        check=expand(rules.check_images.output.table, split="train", unit="{river}"),
        images=lambda wc: image_files(TRAIN_IMAGES[wc.river]),
        labels=lambda wc: label_files(TRAIN_IMAGES[wc.river]),
    output:
        counts=ensure(f"{RESULTS}/colour_counts/{{river}}.npz", non_empty=True),
    log:
        f"{LOGS}/count_colours/{{river}}.log",
    benchmark:
        f"{LOGS}/count_colours/{{river}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        files=lambda wc: campaign.files_digest(TRAIN_IMAGES[wc.river]),
        median_size=config["refine"]["median_size"],
        colour_bits=config["refine"]["colour_bits"],
        code=code_digest("count_colours.py"),
    script:
        "../workflow_scripts/count_colours.py"


rule fit_baselines:
    input:
        counts=lambda wc: expand(
            rules.count_colours.output.counts, river=CAMPAIGN.groups[wc.group].train
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
        seed=config["seed"],
        code=code_digest("fit_baselines.py"),
    script:
        "../workflow_scripts/fit_baselines.py"


rule map_baselines:
    input:
        check=expand(rules.check_images.output.table, split="predict", unit="{batch}"),
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
        runtime=batch_runtime,
    params:
        names=lambda wc: names(labelled(BATCHES[wc.batch])),
        images=lambda wc: image_files(labelled(BATCHES[wc.batch])),
        files=lambda wc: campaign.files_digest(labelled(BATCHES[wc.batch])),
        median_size=config["refine"]["median_size"],
        classes=config["classes"],
        code=code_digest("map_baselines.py"),
    script:
        "../workflow_scripts/map_baselines.py"
