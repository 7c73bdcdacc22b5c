"""One CNN for each group: trained here, tuned first where asked, or brought by the user."""

# An input as well, so that other weights in the same file train anew.
WEIGHTS = config["cnn"].get("weights")
WEIGHT_FILES = [] if WEIGHTS in (None, "imagenet") else [local(WEIGHTS)]


TRAINING_TILES = (
    None
    if UNET
    else {k: v for k, v in config["tiles"].items() if k != "predict_stride"}
)


rule tune_cnn:
    input:
        unpack(lambda wc: training_input(wc.group)),
    output:
        history=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_tuning.csv", non_empty=True
        ),
    log:
        f"{LOGS}/tune_cnn/{{group}}.log",
    benchmark:
        f"{LOGS}/tune_cnn/{{group}}.tsv"
    wildcard_constraints:
        group=any_of_regex(GROUPS_TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=training_memory,
        runtime=scale_by_attempt(240),
    params:
        cnn=cnn_settings("tuning", "epochs", "min_steps"),
        tuning={k: v for k, v in config["cnn"].get("tuning", {}).items() if k != "only"},
        tiles=TRAINING_TILES,
        classes=CLASS_NAMES,
        images=lambda wc: paths(CAMPAIGN.train_images(wc.group)),
        names=lambda wc: names(CAMPAIGN.train_images(wc.group)),
        rivers=lambda wc: training_rivers(wc.group),
        held_out_block=lambda wc: CAMPAIGN.groups[wc.group].block,
        white=WHITE_LEVEL,
        files=training_files,
        seed=lambda wc: CAMPAIGN.groups[wc.group].seed,
        code=code_digest("tune_cnn.py"),
    script:
        "../workflow_scripts/tune_cnn.py"


rule train_cnn:
    input:
        unpack(lambda wc: training_input(wc.group)),
        tuning=(
            rules.tune_cnn.output.history
            if config["cnn"].get("epochs") == "auto"
            else []
        ),
    output:
        model=ensure(f"{RESULTS}/{{group}}/model/{{group}}.h5", non_empty=True),
        key=ensure(f"{RESULTS}/{{group}}/model/{{group}}.csv", non_empty=True),
        onnx=ensure(f"{RESULTS}/{{group}}/model/{{group}}.onnx", non_empty=True),
        history=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_training.csv", non_empty=True
        ),
        # The plugin of QGIS maps pixels, which tile CNNs do not.
        qgis=(
            ensure(f"{RESULTS}/{{group}}/model/{{group}}_qgis.onnx", non_empty=True)
            if UNET
            else []
        ),
    log:
        f"{LOGS}/train_cnn/{{group}}.log",
    benchmark:
        f"{LOGS}/train_cnn/{{group}}.tsv"
    wildcard_constraints:
        group=any_of_regex(GROUPS_TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    # With more, sums in another order would make another U-Net, and it learns hardly faster.
    threads: 1 if UNET else 2
    resources:
        gpu=1,
        mem_mb=training_memory,
        runtime=scale_by_attempt(240),
    params:
        cnn=cnn_settings("tuning"),
        tiles=TRAINING_TILES,
        classes=CLASS_NAMES,
        images=lambda wc: paths(CAMPAIGN.train_images(wc.group)),
        names=lambda wc: names(CAMPAIGN.train_images(wc.group)),
        rivers=lambda wc: training_rivers(wc.group),
        unlabelled=lambda wc: paths(unlabelled_images(wc.group)),
        held_out_block=lambda wc: CAMPAIGN.groups[wc.group].block,
        white=WHITE_LEVEL,
        files=training_files,
        seed=lambda wc: CAMPAIGN.groups[wc.group].seed,
        code=code_digest("train_cnn.py"),
    script:
        "../workflow_scripts/train_cnn.py"


rule convert_cnn:
    input:
        model=lambda wc: local(CAMPAIGN.groups[wc.group].model),
        key=lambda wc: local(CAMPAIGN.groups[wc.group].key),
    output:
        key=ensure(f"{RESULTS}/{{group}}/model/{{group}}.csv", non_empty=True),
        onnx=ensure(f"{RESULTS}/{{group}}/model/{{group}}.onnx", non_empty=True),
    log:
        f"{LOGS}/convert_cnn/{{group}}.log",
    benchmark:
        f"{LOGS}/convert_cnn/{{group}}.tsv"
    wildcard_constraints:
        group=any_of_regex(TRAINED_GROUPS),
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(4000),
        runtime=scale_by_attempt(60),
    params:
        classes=CLASS_NAMES,
        code=code_digest("convert_cnn.py"),
    script:
        "../workflow_scripts/convert_cnn.py"


rule plot_training:
    input:
        history=f"{RESULTS}/{{group}}/model/{{group}}_{{phase}}.csv",
    output:
        curves=report(
            f"{RESULTS}/{{group}}/model/{{group}}_{{phase}}.png",
            caption="captions/training.rst",
            category="Training",
            labels={"CNN": "{group}", "what": "{phase}"},
        ),
        pdf=ensure(f"{RESULTS}/{{group}}/model/{{group}}_{{phase}}.pdf", non_empty=True),
    log:
        f"{LOGS}/plot_training/{{group}}_{{phase}}.log",
    benchmark:
        f"{LOGS}/plot_training/{{group}}_{{phase}}.tsv"
    wildcard_constraints:
        group=any_of_regex(GROUPS_TO_TRAIN),
        phase="training|tuning",
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(2000),
        runtime=scale_by_attempt(30),
    params:
        code=code_digest("plot_training.py"),
    script:
        "../workflow_scripts/plot_training.py"
