"""What the terminal shows of a run."""


def describe_campaign():
    """What was found by name, in two or three lines."""
    train, predict = CAMPAIGN.train.values(), CAMPAIGN.predict.values()
    rivers = rivers_of([*train, *predict])
    shown = ", ".join(rivers[:6]) + (", ..." if len(rivers) > 6 else "")
    yield f"{config['experiment']}: {count(len(rivers), 'river')} ({shown})"
    found = [
        count(len(train), "labelled image") + " to learn from",
        f"{count(len(predict), 'image')} to map, {len(labelled(predict))} of them with labels",
        count(len(CAMPAIGN.groups), "CNN"),
    ]
    yield f"Found: {'; '.join(found)}"
    yield f"Classes: {', '.join(c['name'] for c in config['classes'].values())}"
    if ignored := CAMPAIGN.ignored:
        kinds = sorted({Path(path).suffix.lower() or "no suffix" for path in ignored})
        yield (
            f"Not used: {count(len(ignored), 'other file')} in the folders "
            f"({', '.join(kinds)}); {RESULTS}/preflight.csv will list them"
        )


def describe_results():
    """Where the results are that a user wants first."""
    tables = f"{RESULTS}/report"
    maps = [f"{RESULTS}/{group}/{FINAL_FOLDER}" for group in PREDICT_GROUPS]
    places = {
        "Report": [f"{tables}/report.html"],
        "Maps": maps[:4],
        "Tables": [f"{tables}/totals.csv", f"{tables}/areas.csv"],
    }
    for what, paths in places.items():
        if existing := [path for path in paths if Path(path).exists()]:
            more = ", ..." if what == "Maps" and len(maps) > 4 else ""
            yield f"{what + ':':8}{', '.join(existing)}{more}"


def count_units(rule, wildcards):
    """Images of a job that works image by image, else 1."""
    batches = GROUP_BATCHES.get(wildcards.get("group"), {})
    return len(batches.get(wildcards.get("batch"), [1]))


def expected_training():
    """Seconds of one core; tile CNNs vary."""
    if not UNET:
        return 300
    cnn = config["cnn"]
    steps = cnn["steps"] + cnn["self_training_steps"]
    return progress.training_seconds(steps, cnn["batch_size"], cnn["patch_size"])


TERMINAL = None
# A workflow that imports this one has a terminal of its own.
if workflow.is_main_process and workflow.modifier.is_main_snakefile():
    settings = workflow.output_settings
    TERMINAL = terminal.take_over(
        is_detailed=settings.printshellcmds or settings.verbose,
        found=tuple(describe_campaign()),
        results=describe_results,
        planned=lambda: [
            (job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs()
        ],
        count_units=count_units,
        map_rule="refine_pixels" if REFINED_STAGE else "classify_images",
        expected={"train_cnn": expected_training()},
        is_dry_run=lambda: workflow.dryrun,
    )
