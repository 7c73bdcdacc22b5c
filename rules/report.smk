"""Figures, suggestions, and the report of the campaign."""


rule plot_panels:
    input:
        maps=list(MAP_RECORDS.values()),
        scores=lambda wc: (
            rules.score_images.output.record if labelled(batch_images(wc)) else []
        ),
        labels=lambda wc: batch_checks(wc, "labels")[0],
    output:
        record=ensure(
            f"{RESULTS}/{{group}}/figures/batches/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/plot_panels/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/plot_panels/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=batch_runtime,
    params:
        names=lambda wc: names(batch_images(wc)),
        images=lambda wc: paths(batch_images(wc)),
        white=WHITE_LEVEL,
        labelled=lambda wc: names(labelled(batch_images(wc))),
        stages=STAGES,
        classes=config["classes"],
        width=config["figures"]["width"],
        code=code_digest("plot_panels.py"),
    script:
        "../workflow_scripts/plot_panels.py"


rule plot_violins:
    input:
        compiled=rules.compile_scores.output.compiled,
    output:
        violins=report(
            f"{RESULTS}/report/violins/{{pool}}/{{river}}.png",
            caption="captions/violins.rst",
            category="{river}",
            labels={"image": "all (violins)", "CNN": "{pool}"},
        ),
        pdf=ensure(f"{RESULTS}/report/violins/{{pool}}/{{river}}.pdf", non_empty=True),
    log:
        f"{LOGS}/plot_violins/{{pool}}/{{river}}.log",
    benchmark:
        f"{LOGS}/plot_violins/{{pool}}/{{river}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        groups=lambda wc: POOLS[wc.pool],
        classes=CLASS_NAMES,
        code=code_digest("plot_violins.py"),
    script:
        "../workflow_scripts/plot_violins.py"


rule select_panels:
    input:
        compiled=rules.compile_scores.output.compiled,
        records=lambda wc: [
            record
            for group in POOLS[wc.pool]
            for record in expand(
                rules.plot_panels.output.record,
                group=group,
                batch=[
                    batch
                    for batch, images in GROUP_BATCHES[group].items()
                    if images[0].river == wc.river
                ],
            )
        ],
    output:
        panels=report(
            directory(f"{RESULTS}/report/panels/{{pool}}/{{river}}"),
            patterns=["{image}.png"],
            caption="captions/panels.rst",
            category="{river}",
            labels={"image": "{image}", "CNN": "{pool}"},
        ),
    log:
        f"{LOGS}/select_panels/{{pool}}/{{river}}.log",
    benchmark:
        f"{LOGS}/select_panels/{{pool}}/{{river}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        groups=lambda wc: POOLS[wc.pool],
        n_panels=config["figures"]["in_report"],
        final_stage=FINAL_STAGE,
        images=lambda wc: {
            group: dict(zip(names(images_of([group])), paths(images_of([group]))))
            for group in POOLS[wc.pool]
        },
        splits=lambda wc: {
            group: "train" if CAMPAIGN.groups[group].held_out else "predict"
            for group in POOLS[wc.pool]
        },
        white=WHITE_LEVEL,
        stages=STAGES,
        classes=config["classes"],
        code=code_digest("select_panels.py"),
    script:
        "../workflow_scripts/select_panels.py"


rule suggest_labels:
    input:
        records=lambda wc: expand(
            FINAL_RULE.output.record, group=wc.group, batch=GROUP_BATCHES[wc.group]
        ),
        uncertainty=lambda wc: expand(
            FINAL_RULE.output.uncertainty,
            group=wc.group,
            batch=GROUP_BATCHES[wc.group],
        ),
        labels=lambda wc: training_checks(wc.group, "labels"),
    output:
        images=ensure(
            f"{RESULTS}/{{group}}/suggest_labels/{{group}}_images.csv", non_empty=True
        ),
        crops=ensure(
            f"{RESULTS}/{{group}}/suggest_labels/{{group}}_crops.csv", non_empty=True
        ),
        places=ensure(
            f"{RESULTS}/{{group}}/suggest_labels/{{group}}_crops.gpkg", non_empty=True
        ),
        sheet=report(
            f"{RESULTS}/{{group}}/suggest_labels/{{group}}_crops.png",
            caption="captions/suggest_labels.rst",
            category="Label these next",
            labels={"CNN": "{group}"},
        ),
    log:
        f"{LOGS}/suggest_labels/{{group}}.log",
    benchmark:
        f"{LOGS}/suggest_labels/{{group}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        learned=lambda wc: names(CAMPAIGN.train_images(wc.group)),
        labelled=lambda wc: names(labelled(images_of([wc.group]))),
        final_stage=FINAL_STAGE,
        white=WHITE_LEVEL,
        n_crops=config["suggest_labels"]["n_crops"],
        classes=config["classes"],
        code=code_digest("suggest_labels.py"),
    script:
        "../workflow_scripts/suggest_labels.py"


# Jobs whose warnings a reader of the report has to know.
JOBS_THAT_WARN = [
    rules.check_campaign,
    rules.tune_cnn,
    rules.train_cnn,
    rules.classify_images,
    *([rules.refine_pixels] if REFINED_STAGE else []),
    rules.estimate_areas,
]


rule write_report:
    input:
        config=rules.record_campaign.output.config,
        versions=rules.record_campaign.output.versions,
        methods=rules.record_campaign.output.methods,
        preflight=rules.check_campaign.output.preflight,
        labels=rules.check_campaign.output.labels,
        compiled=rules.compile_scores.output.compiled,
        totals=rules.compile_scores.output.totals,
        experiments=rules.compile_scores.output.experiments,
        confusion=rules.compile_scores.output.confusion,
        reliability=rules.compile_scores.output.reliability,
        areas=rules.compile_areas.output.areas if PREDICT_GROUPS else [],
        estimates=rules.estimate_areas.output.estimates if PREDICT_GROUPS else [],
        uncertainty=of_all_batches(FINAL_RULE.output.uncertainty),
        figures=of_all_batches(rules.plot_panels.output.record),
        histories=expand(rules.train_cnn.output.history, group=GROUPS_TO_TRAIN),
        models=expand(rules.train_cnn.output.onnx, group=CAMPAIGN.groups),
        rankings=expand(rules.suggest_labels.output.images, group=SHOWN_GROUPS),
        sheets=expand(rules.suggest_labels.output.sheet, group=SHOWN_GROUPS),
        templates=[
            local(SCRIPTS / "ssc/report" / name)
            for name in ("report.html", "methods.html", "style.css", "report.js")
        ],
    output:
        page=ensure(f"{RESULTS}/report/report.html", non_empty=True),
        warnings=ensure(f"{RESULTS}/report/warnings.csv", non_empty=True),
        provenance=ensure(f"{RESULTS}/report/provenance.json", non_empty=True),
    log:
        f"{LOGS}/write_report.log",
    benchmark:
        f"{LOGS}/write_report.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(60),
    params:
        stages=STAGES,
        seed=SEEDS[0],
        white=WHITE_LEVEL,
        trained=GROUPS_TO_TRAIN,
        suggested=SHOWN_GROUPS,
        held_out=[g.name for g in CAMPAIGN.groups.values() if g.held_out],
        polygons=[*POLYGON_FILES, *AREA_FILE],
        logs=lambda wc: [str(job.log[0]) for job in JOBS_THAT_WARN],
        code=code_digest("write_report.py"),
    script:
        "../workflow_scripts/write_report.py"
