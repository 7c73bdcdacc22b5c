"""What `snakemake --report` shows beside the tables and training curves."""


rule plot_summary:
    input:
        compiled=rules.compile_scores.output.compiled,
    output:
        violins=report(
            f"{RESULTS}/report/violins/{{group}}/{{river}}.png",
            caption="captions/violins.rst",
            category="{river}",
            labels={"image": "all (violins)", "CNN": "{group}"},
        ),
    log:
        "logs/plot_summary/{group}/{river}.log",
    benchmark:
        "logs/plot_summary/{group}/{river}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(30),
    params:
        classes=CLASS_NAMES,
        code=code_digest("plot_summary.py"),
    script:
        "../workflow_scripts/plot_summary.py"


rule pick_panels:
    input:
        compiled=rules.compile_scores.output.compiled,
        figures=lambda wc: [
            f"{RESULTS}/{wc.group}/figures/{batch}"
            for batch, images in PREDICT_BATCHES[wc.group].items()
            if images[0].river == wc.river
        ],
    output:
        panels=report(
            directory(f"{RESULTS}/report/panels/{{group}}/{{river}}"),
            patterns=["{image}.png"],
            caption="captions/panels.rst",
            category="{river}",
            labels={"image": "{image}", "CNN": "{group}"},
        ),
    log:
        "logs/pick_panels/{group}/{river}.log",
    benchmark:
        "logs/pick_panels/{group}/{river}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        most=config["figures"]["in_report"],
        stages=STAGES,
        code=code_digest("pick_panels.py"),
    script:
        "../workflow_scripts/pick_panels.py"


rule label_next:
    input:
        maps=lambda wc: [
            f"{RESULTS}/{wc.group}/{SURE_FOLDER}/{batch}"
            for batch in PREDICT_BATCHES[wc.group]
        ],
        doubts=lambda wc: [
            f"{RESULTS}/{wc.group}/doubts/{batch}.csv"
            for batch in PREDICT_BATCHES[wc.group]
        ],
        labels=lambda wc: label_files(CAMPAIGN.train_images(wc.group)),
    output:
        images=ensure(
            f"{RESULTS}/{{group}}/label_next/{{group}}_images.csv", non_empty=True
        ),
        crops=ensure(
            f"{RESULTS}/{{group}}/label_next/{{group}}_crops.csv", non_empty=True
        ),
        sheet=report(
            f"{RESULTS}/{{group}}/label_next/{{group}}_crops.png",
            caption="captions/label_next.rst",
            category="Label these next",
            labels={"CNN": "{group}"},
        ),
    log:
        "logs/label_next/{group}.log",
    benchmark:
        "logs/label_next/{group}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(60),
    params:
        predict=config["campaign"]["predict"],
        labelled=lambda wc: [
            image.name
            for images in PREDICT_BATCHES[wc.group].values()
            for image in labelled(images)
        ],
        stage=SURE,
        sheet=config["label_next"]["sheet"],
        classes=config["classes"],
        code=code_digest("label_next.py"),
    script:
        "../workflow_scripts/label_next.py"
