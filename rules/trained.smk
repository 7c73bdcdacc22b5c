"""A CNN that others trained, in place of one that learns here."""


rule convert_cnn:
    input:
        model=lambda wc: local(CAMPAIGN.groups[wc.group].model),
        key=lambda wc: local(CAMPAIGN.groups[wc.group].key),
    output:
        key=ensure(f"{RESULTS}/{{group}}/model/{{group}}.csv", non_empty=True),
        onnx=ensure(f"{RESULTS}/{{group}}/model/{{group}}.onnx", non_empty=True),
    log:
        "logs/convert_cnn/{group}.log",
    benchmark:
        "logs/convert_cnn/{group}.tsv"
    wildcard_constraints:
        group=one_of(TRAINED),
    conda:
        "../envs/ssc.yaml"
    resources:
        mem_mb=by_attempt(4000),
        runtime=by_attempt(60),
    params:
        method=config["method"],
        classes=CLASS_NAMES,
        code=code_digest("convert_cnn.py"),
    script:
        "../workflow_scripts/convert_cnn.py"
