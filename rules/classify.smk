"""Two maps of each image: that of the CNN, and the one that the image's own colours refine."""


rule classify_images:
    input:
        check=batch_checks,
        images=lambda wc: image_files(batch_images(wc)),
        area=area_file(),
        onnx=rules.train_cnn.output.onnx,
        key=rules.train_cnn.output.key,
    output:
        record=ensure(f"{RESULTS}/{{group}}/cnn/batches/{{batch}}.csv", non_empty=True),
        uncertainty=(
            []
            if REFINED_STAGE
            else ensure(
                f"{RESULTS}/{{group}}/cnn/uncertainty/{{batch}}.csv", non_empty=True
            )
        ),
    log:
        f"{LOGS}/classify_images/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/classify_images/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=memory_by_image(1500, 80),
        runtime=runtime_by_image,
    params:
        names=lambda wc: names(batch_images(wc)),
        images=lambda wc: paths(batch_images(wc)),
        white=WHITE_LEVEL,
        files=lambda wc: campaign.files_digest(batch_images(wc)),
        river=lambda wc: batch_images(wc)[0].river,
        tile_stride=config["tiles"]["predict_stride"],
        match_colours=config["cnn"]["match_colours"],
        crop_size=None if REFINED_STAGE else config["suggest_labels"]["crop_size"],
        classes=config["classes"],
        seed=lambda wc: (
            CAMPAIGN.groups[wc.group].seed if wc.group in GROUPS_TO_TRAIN else None
        ),
        code=code_digest("classify_images.py"),
    script:
        "../workflow_scripts/classify_images.py"


rule refine_pixels:
    input:
        check=batch_checks,
        cnn=rules.classify_images.output.record,
    output:
        record=ensure(f"{RESULTS}/{{group}}/maps/batches/{{batch}}.csv", non_empty=True),
        uncertainty=ensure(
            f"{RESULTS}/{{group}}/maps/uncertainty/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/refine_pixels/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/refine_pixels/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=memory_by_image(1500, 80),
        runtime=runtime_by_image,
    params:
        names=lambda wc: names(batch_images(wc)),
        images=lambda wc: paths(batch_images(wc)),
        white=WHITE_LEVEL,
        river=lambda wc: batch_images(wc)[0].river,
        refine=refine_settings(),
        tile_size=1 if UNET else config["tiles"]["size"],
        stage=REFINED_STAGE,
        crop_size=config["suggest_labels"]["crop_size"],
        classes=config["classes"],
        seed=lambda wc: CAMPAIGN.groups[wc.group].seed,
        code=code_digest("refine_pixels.py"),
    script:
        "../workflow_scripts/refine_pixels.py"


# The record of each stage's maps, and the uncertainty of the last.
MAP_RECORDS = {"CNN": rules.classify_images.output.record}
FINAL_RULE = rules.classify_images
if REFINED_STAGE:
    MAP_RECORDS[REFINED_STAGE] = rules.refine_pixels.output.record
    FINAL_RULE = rules.refine_pixels
