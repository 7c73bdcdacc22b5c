"""Pixel classifiers taught by the training images alone, to measure the CNN and phase 2 against."""


rule count_pixels:
    input:
        images=lambda wc: image_files(TRAIN_BATCHES[wc.batch]),
        labels=lambda wc: label_files(TRAIN_BATCHES[wc.batch]),
    output:
        counts=ensure(f"{RESULTS}/training_colours/{{batch}}.npz", non_empty=True),
    log:
        "logs/count_pixels/{batch}.log",
    benchmark:
        "logs/count_pixels/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(30),
    params:
        median_size=config["refine"]["median_size"],
        colour_bits=config["refine"]["colour_bits"],
        code=code_digest("count_pixels.py"),
    script:
        "../workflow_scripts/count_pixels.py"


rule fit_baselines:
    input:
        counts=lambda wc: training_files("training_colours", wc.group),
    output:
        tables=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_baselines.npz", non_empty=True
        ),
    log:
        "logs/fit_baselines/{group}.log",
    benchmark:
        "logs/fit_baselines/{group}.tsv"
    wildcard_constraints:
        group=one_of(TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(4000),
        runtime=by_attempt(240),
    params:
        baselines=config["baselines"],
        settings={
            key: config["refine"][key]
            for key in ("hidden", "epochs", "sample", "trees")
        },
        seed=config["seed"],
        code=code_digest("fit_baselines.py"),
    script:
        "../workflow_scripts/fit_baselines.py"


rule map_baselines:
    input:
        images=lambda wc: image_files(labelled(predict_batch(wc))),
        tables=rules.fit_baselines.output.tables,
    output:
        maps=directory(f"{RESULTS}/{{group}}/baselines/{{batch}}"),
    log:
        "logs/map_baselines/{group}/{batch}.log",
    benchmark:
        "logs/map_baselines/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=batch_minutes,
    params:
        names=lambda wc: [image.name for image in labelled(predict_batch(wc))],
        median_size=config["refine"]["median_size"],
        classes=config["classes"],
        code=code_digest("map_baselines.py"),
    script:
        "../workflow_scripts/map_baselines.py"
