"""For a geographic information system: polygons of classes, and one mosaic of the maps of a group."""


rule polygonize_maps:
    input:
        check=batch_checks,
        record=FINAL_RULE.output.record,
    output:
        record=ensure(
            f"{RESULTS}/{{group}}/polygons/batches/{{batch}}.csv", non_empty=True
        ),
    log:
        f"{LOGS}/polygonize_maps/{{group}}/{{batch}}.log",
    benchmark:
        f"{LOGS}/polygonize_maps/{{group}}/{{batch}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=polygon_memory,
        runtime=runtime_by_image,
    params:
        names=lambda wc: names(batch_images(wc)),
        stage=FINAL_STAGE,
        polygons={k: v for k, v in config["polygons"].items() if k != "write"},
        classes=config["classes"],
        code=code_digest("polygonize_maps.py"),
    script:
        "../workflow_scripts/polygonize_maps.py"


rule mosaic_maps:
    # A folder, because maps without a georeference have no mosaic, and their headers say so.
    input:
        records=lambda wc: expand(
            FINAL_RULE.output.record, group=wc.group, batch=GROUP_BATCHES[wc.group]
        ),
    output:
        folder=directory(f"{RESULTS}/{{group}}/mosaic"),
    log:
        f"{LOGS}/mosaic_maps/{{group}}.log",
    benchmark:
        f"{LOGS}/mosaic_maps/{{group}}.tsv"
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=scale_by_attempt(1000),
        runtime=scale_by_attempt(60),
    params:
        names=lambda wc: names(images_of([wc.group])),
        stage=FINAL_STAGE,
        classes=config["classes"],
        code=code_digest("mosaic_maps.py"),
    script:
        "../workflow_scripts/mosaic_maps.py"
