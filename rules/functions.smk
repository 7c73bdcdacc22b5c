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


# Megapixels of the largest image that a job holds whole; of larger ones it holds windows.
MOST_WHOLE = 17


def checked_images(tables):
    """Megapixels and labelled share of images, by check_images, which comes before the job."""
    images = []
    for table in tables:
        with (
            name_damaged_result(table),
            open(table, newline="", encoding="utf-8") as file,
        ):
            for row in csv.DictReader(file):
                size = int(row["width"] or 0) * int(row["height"] or 0) / 1e6
                images.append((size, float(row.get("labelled_percent") or 0) / 100))
    return images


def memory_by_image(base, per_megapixel):
    """Megabytes of a job that holds one image of its batch, or a window of it, at a time."""

    def memory(wildcards, input, attempt):
        size = max((size for size, _ in checked_images(input.check)), default=0)
        return attempt * round(base + per_megapixel * min(size, MOST_WHOLE) + size)

    return memory


def runtime_by_image(wildcards, input, attempt):
    """Run time to ask for, by the pixels of a batch."""
    return attempt * (
        60 + round(sum(size for size, _ in checked_images(input.check)) / 10)
    )


def batch_runtime(wildcards, attempt):
    """Run time to ask for: sizes of batches vary, by up to six times the mean and more."""
    return attempt * (60 + len(batch_images(wildcards)) // 2)


def training_memory(wildcards, input, attempt):
    """Megabytes of the CNN and of the images, of large ones the windows with labels."""
    base = {"unet": 6000, "NASNetLarge": 20000}.get(config["cnn"]["architecture"], 8000)
    held = sum(
        size if size <= MOST_WHOLE else min(1, 10 * labelled) * size
        for size, labelled in checked_images(input.check)
    )
    return attempt * (base + round(8 * held))


def polygon_memory(wildcards, input, attempt):
    """Megabytes of the polygons of the largest image of a batch."""
    size = max((size for size, _ in checked_images(input.check)), default=0)
    return attempt * round(1000 + 10 * size)


def batch_images(wildcards):
    return GROUP_BATCHES[wildcards.group][wildcards.batch]


def images_of(groups):
    """Images that groups classify."""
    return [
        image
        for group in groups
        for images in GROUP_BATCHES[group].values()
        for image in images
    ]


def labelled(images):
    return [image for image in images if image.is_labelled]


def names(images):
    return [image.name for image in images]


def paths(images):
    return [image.path for image in images]


def learned_from(group, images):
    """Names of images that the CNN of the group has learned from."""
    # Of a block that is held out it has not.
    own = (
        set()
        if CAMPAIGN.groups[group].block
        else {image.path for image in CAMPAIGN.train_images(group)}
    )
    return [image.name for image in images if image.path in own]


def count_images():
    """Numbers of images and CNNs that the methods of the campaign are described with."""
    groups = [group for group in CAMPAIGN.groups.values() if not group.repeats]
    trained = [group for group in groups if not group.model]
    mapped = {group.name: images_of([group.name]) for group in groups}
    honest = [
        image.path
        for group, images in mapped.items()
        for image in labelled(images)
        if image.name not in learned_from(group, images)
    ]
    return dict(
        train=len({i.path for g in trained for i in CAMPAIGN.train_images(g.name)}),
        mapped=len({image.path for images in mapped.values() for image in images}),
        scored=len(set(honest)),
        cnns=len(trained),
        started=sum(1 for group in trained if group.start_from),
        given=len(groups) - len(trained),
    )


def rivers_of(images):
    return sorted({image.river for image in images})


# local(): a module's prefix is for what it makes, not for the images that it finds.
def image_files(images):
    return [local(image.path) for image in images if image.is_file]


def label_files(images):
    """Label rasters of the user; later jobs read what check_images makes of them."""
    return [local(image.label) for image in images if image.label]


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


def area_file():
    return [local(path) for path in AREA_FILE]


def training_checks(group, kind="table"):
    return expand(
        rules.check_images.output[kind],
        split="train",
        unit=CAMPAIGN.groups[group].train,
    )


def batch_checks(wildcards, kind="table"):
    """The check of a batch; held-out images are checked with all training images of their river."""
    if CAMPAIGN.groups[wildcards.group].held_out:
        return training_checks(wildcards.group, kind)
    return expand(
        rules.check_images.output[kind], split="predict", unit=wildcards.batch
    )


def unlabelled_images(group):
    """Images that self-training takes pseudo-labels from: those to map, of the training rivers."""
    n_windows = config["cnn"].get("self_training_steps", 0)
    if not n_windows:
        return []
    images = images_of([group])
    learned = learned_from(group, images)
    rivers = CAMPAIGN.groups[group].train
    images = [i for i in images if i.river in rivers and i.name not in learned]
    # Of more images than there are windows, some evenly spaced ones.
    return images[:: -(-len(images) // n_windows) or 1]


def unlabelled_checks(group):
    """Their checks; those of images that are held out are among the checks of training images."""
    if CAMPAIGN.groups[group].held_out:
        return []
    unlabelled = {image.path for image in unlabelled_images(group)}
    batches = [
        batch
        for batch, images in GROUP_BATCHES[group].items()
        if unlabelled & {image.path for image in images}
    ]
    return expand(rules.check_images.output.table, split="predict", unit=batches)


def training_files(wildcards):
    """A digest of all images that the CNN of a group learns from."""
    group = wildcards.group
    return campaign.files_digest(
        CAMPAIGN.train_images(group) + unlabelled_images(group)
    )


def training_input(group):
    images = CAMPAIGN.train_images(group)
    return dict(
        check=training_checks(group),
        unlabelled_check=unlabelled_checks(group),
        images=image_files(images + unlabelled_images(group)),
        labels=training_checks(group, "labels"),
        weights=WEIGHT_FILES,
        start=start_files(group),
    )


def start_files(group):
    """The trained CNN that a group starts from, and its class key."""
    own = CAMPAIGN.groups[group]
    return [local(own.start_from), local(own.key)] if own.start_from else []


def training_rivers(group):
    return [image.river for image in CAMPAIGN.train_images(group)]


def cnn_settings(*others):
    """The section cnn without keys that training does not read."""
    return {k: v for k, v in config["cnn"].items() if k not in others}


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


def training_parts(group):
    """What the baselines of a group learn from: rivers, or all other folds of the river."""
    own = CAMPAIGN.groups[group]
    if not own.held_out:
        return own.train
    # Folds are the same with every seed.
    first = own.repeats or group
    return [f"folds/{fold}" for fold in POOLS[own.pool] if fold != first]


def of_all_batches(pattern):
    """An output of all batches of all groups of the first seed."""
    return [
        path
        for group, batches in GROUP_BATCHES.items()
        if not CAMPAIGN.groups[group].repeats
        for path in expand(pattern, group=group, batch=batches)
    ]


def scored_stages(group):
    """The folder of each stage that is scored."""
    return dict.fromkeys(baselines(group), "baselines") | STAGES


def scored_batches(group):
    """Batches of a group that have labels to score maps by, and their labelled images."""
    of_labelled = {b: labelled(images) for b, images in GROUP_BATCHES[group].items()}
    return {batch: images for batch, images in of_labelled.items() if images}


def get_targets():
    checked = [
        rules.check_campaign.output.preflight,
        rules.record_campaign.output.config,
    ]
    curves = rules.plot_training.output.curves
    if TUNING_ONLY:
        return checked + expand(curves, group=GROUPS_TO_TRAIN, phase="tuning")
    targets = [*checked, *rules.compile_scores.output, *rules.write_report.output]
    targets += expand(rules.train_cnn.output.onnx, group=CAMPAIGN.groups)
    targets += expand(curves, group=GROUPS_TO_TRAIN, phase="training")
    if config["cnn"].get("epochs") == "auto":
        targets += expand(curves, group=GROUPS_TO_TRAIN, phase="tuning")
    targets += expand(rules.suggest_labels.output.sheet, group=SHOWN_GROUPS)
    if PREDICT_GROUPS:
        targets += [*rules.compile_areas.output, *rules.estimate_areas.output]
    targets += expand(rules.mosaic_maps.output.folder, group=SHOWN_GROUPS)
    if config["polygons"]["write"]:
        targets += [
            record
            for group in SHOWN_GROUPS
            for record in expand(
                rules.polygonize_maps.output.record,
                group=group,
                batch=GROUP_BATCHES[group],
            )
        ]
    if config["check_points"]["n"]:
        targets += expand(rules.draw_check_points.output, group=SHOWN_GROUPS)
    for group, batches in GROUP_BATCHES.items():
        of_group = dict(group=group, batch=batches)
        for records in MAP_RECORDS.values():
            targets += expand(records, **of_group)
        if not CAMPAIGN.groups[group].repeats:
            targets += expand(rules.plot_panels.output.record, **of_group)
    for pool, groups in POOLS.items():
        rivers = dict(pool=pool, river=rivers_of(images_of(groups)))
        targets += expand(rules.select_panels.output.panels, **rivers)
        scored = dict(pool=pool, river=rivers_of(labelled(images_of(groups))))
        targets += expand(rules.plot_violins.output.violins, **scored)
    return targets
