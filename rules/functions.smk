"""Inputs, params and resources of the rules, and the targets of the workflow."""


def code_digest(script):
    """A checksum of a script and the modules that it imports, without comments."""
    return digest_code(SCRIPTS, script)


def any_of_regex(names):
    """Regular expression of a wildcard that is one of these names, or nothing at all."""
    return "|".join(map(re.escape, names)) or "(?!)"


def scale_by_attempt(amount):
    """A resource that grows with each new try: SLURM kills jobs that take more than they asked."""
    return lambda wildcards, attempt: attempt * amount


def megapixels(tables):
    """Size of the largest image of tables of check_images, which are there before the job."""
    sizes = []
    for table in tables:
        with open(table, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                sizes.append(int(row["width"] or 0) * int(row["height"] or 0))
    return max(sizes, default=0) / 1e6


def memory_by_image(base, per_megapixel):
    """Megabytes of a job that holds one image of its batch at a time."""

    def memory(wildcards, input, attempt):
        size = megapixels(input.check)
        return attempt * round(base + per_megapixel * size)

    return memory


def batch_runtime(wildcards, attempt):
    """Run time to ask for: sizes of batches vary, by up to six times the mean and more."""
    return attempt * (60 + len(BATCHES[wildcards.batch]) // 2)


def training_memory(wildcards, input, attempt):
    """Megabytes of the CNN, and of the images, of which a JPEG is a tenth or less."""
    base = {"unet": 6000, "NASNetLarge": 20000}.get(config["cnn"]["architecture"], 8000)
    return attempt * (base + round(20 * input.size_mb))


def images_of(batches):
    return [image for batch in batches for image in BATCHES[batch]]


def labelled(images):
    return [image for image in images if image.label]


def names(images):
    return [image.name for image in images]


# local(): a module's prefix is for what it makes, not for the images that it finds.
def image_files(images):
    return [local(image.path) for image in images]


def label_files(images):
    return [local(image.label) for image in labelled(images)]


def images_to_check(wildcards):
    if wildcards.split == "train":
        return TRAIN_IMAGES[wildcards.unit]
    return BATCHES[wildcards.unit]


def tiles_to_check(wildcards):
    """Tiles of the CNNs trained here; a trained CNN brings the size of its own."""
    groups = [CAMPAIGN.groups[name] for name in GROUPS_TO_TRAIN]
    rivers = {river for group in groups for river in group.train + group.predict}
    if UNET or images_to_check(wildcards)[0].river not in rivers:
        return None
    tiles = config["tiles"]
    return dict(
        size=tiles["size"], stride=tiles["train_stride"], purity=tiles["purity"]
    )


def training_checks(group):
    return expand(
        rules.check_images.output.table,
        split="train",
        unit=CAMPAIGN.groups[group].train,
    )


def training_input(group):
    images = CAMPAIGN.train_images(group)
    return dict(
        check=training_checks(group),
        images=image_files(images),
        labels=label_files(images),
        weights=WEIGHT_FILES,
    )


def training_rivers(group):
    return [image.river for image in CAMPAIGN.train_images(group)]


def cnn_settings(*others):
    """The section cnn without keys that training does not read."""
    return {
        k: v for k, v in config["cnn"].items() if k not in ("match_colours", *others)
    }


def refine_settings():
    """The section refine without keys that its method does not read."""
    refine = config["refine"]
    unread = {"mlp": {"n_trees"}, "rf": {"hidden_layers", "epochs", "n_samples"}}
    unread = unread.get(refine["method"], set())
    if refine["smote_enn"]:
        unread = unread - {"n_samples"}
    return {key: value for key, value in refine.items() if key not in unread}


def baselines(group):
    """The baselines that a group has: none where its CNN is not trained here."""
    return config["baselines"] if group in GROUPS_TO_TRAIN else []


def scored_stages(group):
    """The folder of each stage that is scored."""
    return dict.fromkeys(baselines(group), "baselines") | STAGES


def scored_batches(group, river=None):
    """Batches of a group (and river) that have labels to score maps by."""
    return [
        batch
        for batch in GROUP_BATCHES[group]
        if river in (None, BATCHES[batch][0].river) and labelled(BATCHES[batch])
    ]


def rivers_of(batches):
    return sorted({BATCHES[batch][0].river for batch in batches})


def get_targets():
    checked = [
        rules.check_campaign.output.preflight,
        rules.record_campaign.output.config,
    ]
    curves = rules.plot_training.output.curves
    if TUNING_ONLY:
        return checked + expand(curves, group=GROUPS_TO_TRAIN, phase="tuning")
    mapped = [group for group, batches in GROUP_BATCHES.items() if batches]
    targets = [*checked, *rules.compile_scores.output]
    targets += expand(rules.train_cnn.output.onnx, group=CAMPAIGN.groups)
    targets += expand(curves, group=GROUPS_TO_TRAIN, phase="training")
    if config["cnn"].get("epochs") == "auto":
        targets += expand(curves, group=GROUPS_TO_TRAIN, phase="tuning")
    targets += expand(rules.suggest_labels.output.sheet, group=mapped)
    for group, batches in GROUP_BATCHES.items():
        of_group = dict(group=group, batch=batches)
        for records in (*MAP_RECORDS.values(), rules.plot_panels.output.record):
            targets += expand(records, **of_group)
        rivers = dict(group=group, river=rivers_of(batches))
        targets += expand(rules.select_panels.output.panels, **rivers)
        scored = dict(group=group, river=rivers_of(scored_batches(group)))
        targets += expand(rules.plot_violins.output.violins, **scored)
    return targets
