"""Phase 1 applied and phase 2: the tile map and the pixel-level map of each image."""


rule classify_tiles:
    input:
        images=lambda wc: [image.path for image in predict_batch(wc)],
        onnx=rules.train_cnn.output.onnx,
        key=rules.train_cnn.output.key,
    output:
        maps=directory(f"{RESULTS}/{{group}}/tiles/{{batch}}"),
    log:
        "logs/classify_tiles/{group}/{batch}.log",
    benchmark:
        "logs/classify_tiles/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        names=lambda wc: [image.name for image in predict_batch(wc)],
        stride=config["tiles"]["predict_stride"],
        classes=config["classes"],
        code=code_digest("classify_tiles.py"),
    script:
        "../workflow_scripts/classify_tiles.py"


rule refine_pixels:
    input:
        images=lambda wc: [image.path for image in predict_batch(wc)],
        tile_maps=rules.classify_tiles.output.maps,
    output:
        maps=directory(f"{RESULTS}/{{group}}/maps/{{batch}}"),
    log:
        "logs/refine_pixels/{group}/{batch}.log",
    benchmark:
        "logs/refine_pixels/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        names=lambda wc: [image.name for image in predict_batch(wc)],
        refine=config["refine"],
        tile_size=config["tiles"]["size"],
        prefix=FINAL,
        classes=config["classes"],
        seed=config["seed"],
        code=code_digest("refine_pixels.py"),
    script:
        "../workflow_scripts/refine_pixels.py"
