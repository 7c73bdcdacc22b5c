"""Scores of the maps against labels, and the 4-part figures."""


rule score_images:
    input:
        maps=lambda wc: [
            *([rules.map_baselines.output.record] if baselines(wc.group) else []),
            *MAP_RECORDS.values(),
        ],
        labels=lambda wc: batch_checks(wc, "labels")[0],
    output:
        record=ensure(
            f"{RESULTS}/{{group}}/scores/batches/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/score_images/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/score_images/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=batch_runtime,
    params:
        names=lambda wc: names(labelled(batch_images(wc))),
        files=lambda wc: campaign.files_digest(labelled(batch_images(wc))),
        stages=lambda wc: scored_stages(wc.group),
        block=lambda wc: CAMPAIGN.groups[wc.group].block,
        classes=CLASS_NAMES,
        code=code_digest("score_images.py"),
    script:
        "../workflow_scripts/score_images.py"


rule compile_scores:
    input:
        records=[
            record
            for group in CAMPAIGN.groups
            for record in expand(
                rules.score_images.output.record,
                group=group,
                batch=scored_batches(group),
            )
        ],
        uncertainty=[
            table
            for group in CAMPAIGN.groups
            for table in expand(
                FINAL_RULE.output.uncertainty, group=group, batch=scored_batches(group)
            )
        ],
        class_keys=expand(rules.train_cnn.output.key, group=CAMPAIGN.groups),
    output:
        compiled=ensure(f"{RESULTS}/report/compiled.csv", non_empty=True),
        confusion=ensure(f"{RESULTS}/report/confusion.csv", non_empty=True),
        # Of one seed the totals say all.
        seeds=(
            ensure(f"{RESULTS}/report/seeds.csv", non_empty=True)
            if len(SEEDS) > 1
            else []
        ),
        totals=ensure(f"{RESULTS}/report/totals.csv", non_empty=True),
        experiments=ensure(f"{RESULTS}/report/experiments.csv", non_empty=True),
        experiments_latex=ensure(f"{RESULTS}/report/experiments.tex", non_empty=True),
        reliability=ensure(f"{RESULTS}/report/reliability.csv", non_empty=True),
        diagram=report(
            f"{RESULTS}/report/reliability.png",
            caption="captions/reliability.rst",
            category="Overview",
            labels={"what": "reliability of the confidence"},
        ),
        diagram_pdf=ensure(f"{RESULTS}/report/reliability.pdf", non_empty=True),
    log:
        f"{LOGS}/compile_scores.log",
    benchmark:
        f"{LOGS}/compile_scores.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        batches=[
            dict(
                group=group,
                seed=CAMPAIGN.groups[group].seed,
                pool=CAMPAIGN.groups[group].pool,
                design=CAMPAIGN.groups[group].design,
                stages=[*scored_stages(group)],
                river=images[0].river,
                names=names(images),
                learned_from=learned_from(group, images),
            )
            for group in CAMPAIGN.groups
            for images in scored_batches(group).values()
        ],
        groups=list(CAMPAIGN.groups),
        seed=SEEDS[0],
        final_stage=FINAL_STAGE,
        classes=CLASS_NAMES,
        experiment=config["experiment"],
        code=code_digest("compile_scores.py"),
    script:
        "../workflow_scripts/compile_scores.py"
