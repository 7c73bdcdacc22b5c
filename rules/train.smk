"""Phase 1, learning: pure tiles of the training images, one CNN a group."""


rule cut_tiles:
    input:
        images=lambda wc: [image.path for image in TRAIN_BATCHES[wc.batch]],
        labels=lambda wc: [image.label for image in TRAIN_BATCHES[wc.batch]],
    output:
        tiles=ensure(f"{RESULTS}/training_tiles/{{batch}}.npz", non_empty=True),
    log:
        "logs/cut_tiles/{batch}.log",
    benchmark:
        "logs/cut_tiles/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        classes=sorted(map(int, config["classes"])),
        size=config["tiles"]["size"],
        stride=config["tiles"]["train_stride"],
        purity=config["tiles"]["purity"],
        code=code_digest("cut_tiles.py"),
    script:
        "../workflow_scripts/cut_tiles.py"


rule train_cnn:
    input:
        tiles=lambda wc: [
            f"{RESULTS}/training_tiles/{batch}.npz"
            for batch, images in TRAIN_BATCHES.items()
            if images[0].river in CAMPAIGN.groups[wc.group].train
        ],
    output:
        model=ensure(f"{RESULTS}/{{group}}/model/{{group}}.h5", non_empty=True),
        key=ensure(f"{RESULTS}/{{group}}/model/{{group}}.csv", non_empty=True),
        onnx=ensure(f"{RESULTS}/{{group}}/model/{{group}}.onnx", non_empty=True),
        history=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_curves.csv", non_empty=True
        ),
        curves=report(
            f"{RESULTS}/{{group}}/model/{{group}}_curves.png",
            caption="captions/curves.rst",
            category="Training",
            labels={"CNN": "{group}"},
        ),
    log:
        "logs/train_cnn/{group}.log",
    benchmark:
        "logs/train_cnn/{group}.tsv"
    conda:
        "../envs/ssc.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=8000,
        runtime=240,
    params:
        cnn=config["cnn"],
        classes=config["classes"],
        rivers=lambda wc: CAMPAIGN.groups[wc.group].train,
        seed=config["seed"],
        code=code_digest("train_cnn.py"),
    script:
        "../workflow_scripts/train_cnn.py"
