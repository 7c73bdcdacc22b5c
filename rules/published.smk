"""The published method: a CNN learns pure tiles; its tile map teaches an image's colours."""

# An input as well, so that other weights in the same file train anew.
WEIGHTS = config["cnn"]["weights"]
WEIGHT_FILES = [] if WEIGHTS in (None, "imagenet") else [local(WEIGHTS)]


def training_memory(wildcards, input, attempt):
    """Megabytes of the CNN, and of the tiles, which take as much on disk."""
    large = config["cnn"]["architecture"] == "NASNetLarge"
    return attempt * ((20000 if large else 8000) + round(2 * input.size_mb))


rule cut_tiles:
    input:
        images=lambda wc: image_files(TRAIN_BATCHES[wc.batch]),
        labels=lambda wc: label_files(TRAIN_BATCHES[wc.batch]),
    output:
        tiles=ensure(f"{RESULTS}/training_tiles/{{batch}}.npz", non_empty=True),
    log:
        "logs/cut_tiles/{batch}.log",
    benchmark:
        "logs/cut_tiles/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(30),
    params:
        classes=sorted(map(int, config["classes"])),
        size=config["tiles"]["size"],
        stride=config["tiles"]["train_stride"],
        purity=config["tiles"]["purity"],
        code=code_digest("cut_tiles.py"),
    script:
        "../workflow_scripts/cut_tiles.py"


rule tune_cnn:
    input:
        tiles=lambda wc: training_files("training_tiles", wc.group),
        weights=WEIGHT_FILES,
    output:
        history=ensure(
            f"{RESULTS}/{{group}}/model/{{group}}_tuning.csv", non_empty=True
        ),
        curves=report(
            f"{RESULTS}/{{group}}/model/{{group}}_tuning.png",
            caption="captions/tuning.rst",
            category="Training",
            labels={"CNN": "{group}", "what": "tuning"},
        ),
    log:
        "logs/tune_cnn/{group}.log",
    benchmark:
        "logs/tune_cnn/{group}.tsv"
    wildcard_constraints:
        group=one_of(TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=training_memory,
        runtime=by_attempt(240),
    params:
        cnn={k: v for k, v in config["cnn"].items() if k != "epochs"},
        classes=CLASS_NAMES,
        rivers=lambda wc: training_rivers(wc.group),
        seed=config["seed"],
        code=code_digest("tune_cnn.py"),
    script:
        "../workflow_scripts/tune_cnn.py"


rule train_cnn:
    input:
        tiles=lambda wc: training_files("training_tiles", wc.group),
        weights=WEIGHT_FILES,
        tuning=(
            rules.tune_cnn.output.history if config["cnn"]["epochs"] == "auto" else []
        ),
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
        "logs/train_cnn/{group}.log",
    benchmark:
        "logs/train_cnn/{group}.tsv"
    wildcard_constraints:
        group=one_of(TO_TRAIN),
    conda:
        "../envs/ssc.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=training_memory,
        runtime=by_attempt(240),
    params:
        cnn={k: v for k, v in config["cnn"].items() if k != "tuning"},
        classes=CLASS_NAMES,
        rivers=lambda wc: training_rivers(wc.group),
        seed=config["seed"],
        code=code_digest("train_cnn.py"),
    script:
        "../workflow_scripts/train_cnn.py"


rule classify_tiles:
    input:
        images=lambda wc: image_files(predict_batch(wc)),
        onnx=rules.train_cnn.output.onnx,
        key=rules.train_cnn.output.key,
    output:
        maps=directory(f"{RESULTS}/{{group}}/tiles/{{batch}}"),
        doubts=ensure(f"{RESULTS}/{{group}}/doubts/{{batch}}.csv", non_empty=True),
    log:
        "logs/classify_tiles/{group}/{batch}.log",
    benchmark:
        "logs/classify_tiles/{group}/{batch}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(2000),
        runtime=batch_minutes,
    params:
        names=lambda wc: [image.name for image in predict_batch(wc)],
        stride=config["tiles"]["predict_stride"],
        crop=config["label_next"]["crop"],
        classes=config["classes"],
        code=code_digest("classify_tiles.py"),
    script:
        "../workflow_scripts/classify_tiles.py"


rule refine_pixels:
    input:
        images=lambda wc: image_files(predict_batch(wc)),
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
        mem_mb=by_attempt(2000),
        runtime=batch_minutes,
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


MAPS = [rules.classify_tiles.output.maps]
if FINAL:
    MAPS.append(rules.refine_pixels.output.maps)
# The stage whose confidence is judged, and the folder that has it.
SURE, SURE_FOLDER = "CNN", "tiles"
