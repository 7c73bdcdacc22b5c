"""Areas of classes, and the check points that give them intervals."""


rule measure_areas:
    input:
        record=FINAL_RULE.output.record,
    output:
        areas=ensure(
            f"{RESULTS}/{{group}}/{FINAL_FOLDER}/areas/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/measure_areas/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/measure_areas/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(1000),
        runtime=batch_runtime,
    params:
        names=lambda wc: names(batch_images(wc)),
        river=lambda wc: batch_images(wc)[0].river,
        stage=FINAL_STAGE,
        classes=CLASS_NAMES,
        code=code_digest("measure_areas.py"),
    script:
        "../workflow_scripts/measure_areas.py"


rule compile_areas:
    input:
        areas=[
            table
            for group in PREDICT_GROUPS
            for table in expand(
                rules.measure_areas.output.areas,
                group=group,
                batch=GROUP_BATCHES[group],
            )
        ],
    output:
        areas=ensure(f"{RESULTS}/report/areas.csv", non_empty=True),
    log:
        f"{LOGS}/compile_areas.log",
    benchmark:
        f"{LOGS}/compile_areas.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        seeds={group: CAMPAIGN.groups[group].seed for group in PREDICT_GROUPS},
        code=code_digest("compile_areas.py"),
    script:
        "../workflow_scripts/compile_areas.py"


rule draw_check_points:
    input:
        records=lambda wc: expand(
            FINAL_RULE.output.record, group=wc.group, batch=GROUP_BATCHES[wc.group]
        ),
        uncertainty=lambda wc: expand(
            FINAL_RULE.output.uncertainty,
            group=wc.group,
            batch=GROUP_BATCHES[wc.group],
        ),
        areas=lambda wc: expand(
            rules.measure_areas.output.areas,
            group=wc.group,
            batch=GROUP_BATCHES[wc.group],
        ),
    output:
        layer=ensure(f"{RESULTS}/{{group}}/check_points/{{group}}.gpkg", non_empty=True),
        table=ensure(f"{RESULTS}/{{group}}/check_points/{{group}}.csv", non_empty=True),
        strata=ensure(
            f"{RESULTS}/{{group}}/check_points/{{group}}_strata.csv", non_empty=True
        ),
        chips=directory(f"{RESULTS}/{{group}}/check_points/chips"),
    log:
        f"{LOGS}/draw_check_points/{{group}}.log",
    benchmark:
        f"{LOGS}/draw_check_points/{{group}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        white=WHITE_LEVEL,
        n=config["check_points"]["n"],
        seed=lambda wc: CAMPAIGN.groups[wc.group].seed,
        stage=FINAL_STAGE,
        code=code_digest("draw_check_points.py"),
    script:
        "../workflow_scripts/draw_check_points.py"


rule estimate_areas:
    input:
        areas=rules.compile_areas.output.areas,
        answers=[local(path) for path in config["check_points"]["answers"]],
        strata=(
            expand(rules.draw_check_points.output.strata, group=SHOWN_GROUPS)
            if config["check_points"]["answers"]
            else []
        ),
        scores=[
            record
            for group in SHOWN_GROUPS
            for record in expand(
                rules.score_images.output.record,
                group=group,
                batch=scored_batches(group),
            )
        ],
    output:
        estimates=ensure(f"{RESULTS}/report/area_estimates.csv", non_empty=True),
    log:
        f"{LOGS}/estimate_areas.log",
    benchmark:
        f"{LOGS}/estimate_areas.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        labelled={
            group: sorted(
                {*names(labelled(images_of([group])))}
                - {*learned_from(group, images_of([group]))}
            )
            for group in SHOWN_GROUPS
        },
        stage=FINAL_STAGE,
        classes=CLASS_NAMES,
        seed=SEEDS[0],
        code=code_digest("estimate_areas.py"),
    script:
        "../workflow_scripts/estimate_areas.py"
