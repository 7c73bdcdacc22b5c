"""Scores of the maps against labels, and the 4-part figures."""

STAGES = ["CNN", FINAL] if FINAL else ["CNN"]


rule score_images:
    input:
        maps=lambda wc: [rules.map_baselines.output.maps] * len(baselines(wc.group))
        + MAPS,
        labels=lambda wc: label_files(predict_batch(wc)),
    output:
        scores=directory(f"{RESULTS}/{{group}}/scores/{{batch}}"),
    log:
        "logs/score_images/{group}/{batch}.log",
    benchmark:
        "logs/score_images/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=batch_minutes,
    params:
        names=lambda wc: [image.name for image in labelled(predict_batch(wc))],
        stages=lambda wc: baselines(wc.group) + STAGES,
        sure=SURE,
        classes=CLASS_NAMES,
        code=code_digest("score_images.py"),
    script:
        "../workflow_scripts/score_images.py"


rule plot_panels:
    input:
        images=lambda wc: image_files(predict_batch(wc)),
        labels=lambda wc: label_files(predict_batch(wc)),
        maps=MAPS,
        scores=lambda wc: (
            rules.score_images.output.scores if labelled(predict_batch(wc)) else []
        ),
    output:
        figures=directory(f"{RESULTS}/{{group}}/figures/{{batch}}"),
    log:
        "logs/plot_panels/{group}/{batch}.log",
    benchmark:
        "logs/plot_panels/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=batch_minutes,
    params:
        names=lambda wc: [image.name for image in predict_batch(wc)],
        labelled=lambda wc: [image.name for image in labelled(predict_batch(wc))],
        stages=STAGES,
        classes=config["classes"],
        width=config["figures"]["width"],
        code=code_digest("plot_panels.py"),
    script:
        "../workflow_scripts/plot_panels.py"


rule compile_scores:
    input:
        scores=[
            f"{RESULTS}/{group}/scores/{batch}"
            for group in CAMPAIGN.groups
            for batch in scored_batches(group)
        ],
        doubts=[
            f"{RESULTS}/{group}/doubts/{batch}.csv"
            for group in CAMPAIGN.groups
            for batch in scored_batches(group)
        ],
        class_keys=[f"{RESULTS}/{group}/model/{group}.csv" for group in CAMPAIGN.groups],
    output:
        compiled=ensure(f"{RESULTS}/report/compiled.csv", non_empty=True),
        totals=ensure(f"{RESULTS}/report/totals.csv", non_empty=True),
        totals_page=report(
            f"{RESULTS}/report/totals.html",
            caption="captions/totals.rst",
            category="Overview",
            labels={"what": "scores of each CNN"},
        ),
        experiments=ensure(f"{RESULTS}/report/experiments.csv", non_empty=True),
        experiments_page=report(
            f"{RESULTS}/report/experiments.html",
            caption="captions/experiments.rst",
            category="Overview",
            labels={"what": "experiments"},
        ),
        reliability=report(
            f"{RESULTS}/report/reliability.png",
            caption="captions/reliability.rst",
            category="Overview",
            labels={"what": "reliability of the confidence"},
        ),
    log:
        "logs/compile_scores.log",
    benchmark:
        "logs/compile_scores.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(30),
    params:
        batches=lambda wc: [
            dict(
                group=group,
                design=CAMPAIGN.groups[group].design,
                stages=baselines(group) + STAGES,
                river=PREDICT_BATCHES[group][batch][0].river,
                names=[
                    image.name for image in labelled(PREDICT_BATCHES[group][batch])
                ],
            )
            for group in CAMPAIGN.groups
            for batch in scored_batches(group)
        ],
        groups=list(CAMPAIGN.groups),
        sure=SURE,
        classes=CLASS_NAMES,
        experiment=config["experiment"],
        code=code_digest("compile_scores.py"),
    script:
        "../workflow_scripts/compile_scores.py"
