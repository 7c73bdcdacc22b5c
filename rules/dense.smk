"""The dense method: a CNN learns labelled pixels; an image's own colours sharpen its map."""


rule train_dense:
    input:
        images=lambda wc: image_files(CAMPAIGN.train_images(wc.group)),
        labels=lambda wc: label_files(CAMPAIGN.train_images(wc.group)),
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
            labels={"CNN": "{group}", "what": "training"},
        ),
    log:
        "logs/train_dense/{group}.log",
    benchmark:
        "logs/train_dense/{group}.tsv"
    wildcard_constraints:
        group=one_of(TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    # With more, sums in another order would make another CNN, and it learns hardly faster.
    threads: 1
    resources:
        gpu=1,
        # All training images are in memory, and a JPEG is a tenth of its image or less.
        mem_mb=lambda wc, input, attempt: attempt * (6000 + round(20 * input.size_mb)),
        runtime=by_attempt(240),
    params:
        dense={k: v for k, v in config["dense"].items() if k != "match_colours"},
        classes=CLASS_NAMES,
        rivers=lambda wc: list(CAMPAIGN.groups[wc.group].train),
        seed=config["seed"],
        code=code_digest("train_dense.py"),
    script:
        "../workflow_scripts/train_dense.py"


rule classify_pixels:
    input:
        images=lambda wc: image_files(predict_batch(wc)),
        onnx=rules.train_dense.output.onnx,
        key=rules.train_dense.output.key,
    output:
        tiles=directory(f"{RESULTS}/{{group}}/tiles/{{batch}}"),
        maps=directory(f"{RESULTS}/{{group}}/maps/{{batch}}") if FINAL else [],
        doubts=ensure(f"{RESULTS}/{{group}}/doubts/{{batch}}.csv", non_empty=True),
    log:
        "logs/classify_pixels/{group}/{batch}.log",
    benchmark:
        "logs/classify_pixels/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(4000),
        runtime=batch_minutes,
    params:
        names=lambda wc: [image.name for image in predict_batch(wc)],
        match_colours=config["dense"]["match_colours"],
        river=lambda wc: predict_batch(wc)[0].river,
        refine=config["refine"],
        tile_size=config["tiles"]["size"],
        prefix=FINAL,
        crop=config["label_next"]["crop"],
        classes=config["classes"],
        seed=config["seed"],
        code=code_digest("classify_pixels.py"),
    script:
        "../workflow_scripts/classify_pixels.py"


MAPS = [rules.classify_pixels.output.tiles]
if FINAL:
    MAPS.append(rules.classify_pixels.output.maps)
# The stage whose confidence is judged, and the folder that has it.
SURE, SURE_FOLDER = (FINAL, "maps") if FINAL else ("CNN", "tiles")
