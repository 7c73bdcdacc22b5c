"""Results of what a campaign no longer has are removed, and nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from results import open_batch, remove_stale_results

PREFIXES = {
    "cnn": ["CNN", "confidence", "probabilities"],
    "maps": ["MLP", "confidence"],
    "baselines": ["ML", "PixelRF"],
    "scores": ["ML", "PixelRF", "CNN", "MLP", "reliability"],
    "figures": [""],
}
ENDINGS = {"scores": [".csv"], "figures": [".png"]}


def rivers_of(images):
    return sorted({name.rpartition("_")[0] for name in images})


def group_of(images, labelled=()):
    """A group, also as it is reported, of which each image is a batch."""
    return {
        "rivers": rivers_of(images),
        "labelled_rivers": rivers_of(labelled),
        **dict.fromkeys(("images", "batches"), images),
        **dict.fromkeys(("labelled_images", "labelled_batches"), labelled),
    }


def files_of(groups, prefixes=PREFIXES):
    """Paths of what the jobs of a campaign make."""
    for name, group in groups.items():
        yield f"{name}/model/{name}.h5"
        for folder, starts in prefixes.items():
            kind = "labelled_" if folder in ("baselines", "scores") else ""
            for image in group[f"{kind}images"]:
                for start in starts:
                    for ending in ENDINGS.get(folder, [".tif", ".tif.aux.xml"]):
                        yield f"{name}/{folder}/{start}{'_' if start else ''}{image}{ending}"
                if starts:
                    yield f"{name}/{folder}/batches/{image}.csv"
        for image in group["images"]:
            for table in ("uncertainty", "areas"):
                yield f"{name}/maps/{table}/{image}.csv"
        for river in group["labelled_rivers"]:
            yield f"report/violins/{name}/{river}.png"
            yield f"report/violins/{name}/{river}.pdf"
        for river in group["rivers"]:
            yield f"report/panels/{name}/{river}/{river}_0001.png"


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def files_in(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def removed_by(folder, groups, prefixes=PREFIXES, checks=None, labels=None):
    """The files that are gone afterwards."""
    before = files_in(folder)
    remove_stale_results(folder, groups, groups, prefixes, checks or {}, labels or {})
    assert files_in(folder) <= before
    return before - files_in(folder)


# Names that begin like a prefix, or end like a file.
RIVERS = ["Ure", "Ure.North", "ML_Burn", "CNN", "confidence_CNN"]
IMAGES = st.lists(
    st.builds("{}_{:04}".format, st.sampled_from(RIVERS), st.integers(0, 2)), unique=True
)
GROUP = IMAGES.flatmap(
    lambda images: st.builds(group_of, st.just(images), st.just(images[::2])),
)
CAMPAIGN = st.dictionaries(st.sampled_from(["Ure", "without_Ure", "old"]), GROUP)


@settings(max_examples=40)
@given(CAMPAIGN, CAMPAIGN)
def test_of_two_campaigns_the_results_of_the_second_stay_and_all_models(
    tmp_path_factory, before, after
):
    folder = tmp_path_factory.mktemp("results")
    make(folder, *files_of(before), *files_of(after))
    remove_stale_results(folder, after, after, PREFIXES, {}, {})
    models = {f"{name}/model/{name}.h5" for name in before}
    assert files_in(folder) == {*files_of(after), *models}


def test_everything_that_was_removed_is_listed(tmp_path):
    make(tmp_path, *files_of({"Ure": group_of(["Ure_0001", "Ure_0002", "Wye_0001"])}))
    groups = {"Ure": group_of(["Ure_0001"])}
    removed = remove_stale_results(tmp_path, groups, groups, PREFIXES, {}, {})
    assert not [path for path in removed if path.exists()]
    assert {str(path.relative_to(tmp_path)) for path in removed} == {
        f"Ure/{folder}/{name}"
        for image in ("Ure_0002", "Wye_0001")
        for folder, names in {
            "cnn": [f"{p}_{image}.tif" for p in PREFIXES["cnn"]],
            "maps": [f"{p}_{image}.tif" for p in PREFIXES["maps"]],
            "figures": [f"{image}.png"],
        }.items()
        for name in (
            *names,
            *(f"{name}.aux.xml" for name in names if folder != "figures"),
            f"batches/{image}.csv",
            *(f"{table}/{image}.csv" for table in ("uncertainty", "areas") if folder == "maps"),
        )
    } | {"report/panels/Ure/Wye"}


def test_labels_that_are_gone_take_scores_and_baselines_with_them(tmp_path):
    images = ["Ure_0001", "Ure_0002"]
    make(tmp_path, *files_of({"Ure": group_of(images, images)}))
    removed = removed_by(tmp_path, {"Ure": group_of(images, images[:1])})
    assert {name.split("/")[1] for name in removed} == {"scores", "baselines"}
    assert all("Ure_0002" in name for name in removed)


def test_another_method_takes_the_maps_of_the_one_before_with_it(tmp_path):
    groups = {"Ure": group_of(["Ure_0001"], ["Ure_0001"])}
    make(tmp_path, *files_of(groups))
    forest = PREFIXES | {"maps": ["RF", "confidence"], "scores": ["CNN", "RF", "reliability"]}
    assert removed_by(tmp_path, groups, forest) == {
        "Ure/maps/MLP_Ure_0001.tif",
        "Ure/maps/MLP_Ure_0001.tif.aux.xml",
        *(f"Ure/scores/{stage}_Ure_0001.csv" for stage in ("ML", "PixelRF", "MLP")),
    }
    assert removed_by(tmp_path, groups, forest | {"maps": []}) == {
        "Ure/maps/confidence_Ure_0001.tif",
        "Ure/maps/confidence_Ure_0001.tif.aux.xml",
        "Ure/maps/batches/Ure_0001.csv",
        "Ure/maps/uncertainty/Ure_0001.csv",
        "Ure/maps/areas/Ure_0001.csv",
    }


def test_files_that_jobs_do_not_write_stay(tmp_path):
    make(tmp_path, *files_of({"Ure": group_of(["Ure_0001"]), "gone": group_of(["Ure_0001"])}))
    removed_by(tmp_path, {})
    mine = [
        "gone/cnn/notes.txt",
        "gone/cnn/CNN_Ure_0001.qgz",
        "gone/cnn/DEM_2019.tif",
        "gone/maps/CNN_Ure_0001_corrected.tif",
        "gone/maps/mine/CNN_Ure_0001.tif",
        "gone/maps/mine/table.csv",
        "gone/model/gone.onnx",
        "report/totals.csv",
        "report/talk/2025/slide.png",
        "report/violins/gone/notes.txt",
        "logs/classify_images/gone/Ure_0001.log",
        # In a folder of the user's that has the name of one of ours, but no records.
        "archive/maps/MLP_Ure_0001.tif",
        "archive/figures/Ure_0001.png",
        "preflight.csv",
    ]
    make(tmp_path, *mine)
    assert not removed_by(tmp_path, {})


def test_file_that_a_job_is_writing_stays(tmp_path):
    groups = {"Ure": group_of(["Ure_0001"], ["Ure_0001"])}
    now = {
        "Ure/cnn/.part-CNN_Ure_0001.tif",
        "Ure/cnn/batches/.part-Ure_0001.csv",
        "Ure/figures/.part-Ure_0001.png",
        "Ure/figures/batches/Ure_0001.csv",
        "report/violins/Ure/.part-Ure.png",
        "check/predict/.part-Ure_0001.csv",
    }
    once = {name.replace("Ure_0001", "Wye_0001") for name in now if "0001" in name}
    make(tmp_path, *now, *once)
    checks = {"predict": ["Ure_0001"]}
    assert removed_by(tmp_path, groups, checks=checks) == once


def test_labels_of_what_is_gone_are_removed(tmp_path):
    images = {f"labels/{split}/SCLS_{i}.tif" for split in ("train", "predict") for i in "ab"}
    records = {f"labels/{split}/batches/{i}.csv" for split in ("train", "predict") for i in "ab"}
    make(tmp_path, *images, *records, "labels/polygons.csv", "labels/train/mine.tif")
    checks = {"train": ["a", "b"], "predict": ["b"]}
    gone = removed_by(tmp_path, {}, checks=checks, labels={"train": ["b"], "predict": ["a", "b"]})
    assert gone == {"labels/train/SCLS_a.tif", "labels/predict/batches/a.csv"}


def test_polygons_stay_while_they_are_wanted(tmp_path):
    folder, record = tmp_path / "Ure/polygons", tmp_path / "Ure/polygons/batches/Ure_0001.csv"
    make(folder, "Ure_0001.gpkg", "Ure_0001 mine.gpkg")
    record.parent.mkdir()
    with open_batch(str(record)) as batch, batch.file("Ure_0001.gpkg"):
        make(folder, ".part-Ure_0001.gpkg")
    groups = {"Ure": group_of(["Ure_0001"])}
    assert not removed_by(tmp_path, groups, PREFIXES | {"polygons": [""]})
    assert removed_by(tmp_path, groups, PREFIXES | {"polygons": []}) == {
        "Ure/polygons/Ure_0001.gpkg",
        "Ure/polygons/batches/Ure_0001.csv",
    }


def test_mosaic_goes_with_the_images_of_its_group(tmp_path):
    mosaics = {f"{name}/mosaic/{name}.{end}" for name in ("Ure.N", "Wye") for end in ("vrt", "qml")}
    make(tmp_path, *mosaics, "Wye/mosaic/mine.vrt", "archive/mosaic/Wye.vrt")
    groups = {"Ure.N": group_of(["Ure.N_0001"]), "Wye": group_of([])}
    assert removed_by(tmp_path, groups) == {"Wye/mosaic/Wye.vrt", "Wye/mosaic/Wye.qml"}


def test_checks_of_what_is_gone_are_removed(tmp_path):
    tables = {f"check/{split}/{unit}.csv" for split in ("train", "predict") for unit in "ab"}
    make(tmp_path, *tables)
    assert not removed_by(tmp_path, {})
    checks = {"train": ["b"], "predict": ["a", "c"]}
    assert removed_by(tmp_path, {}, checks=checks) == {"check/train/a.csv", "check/predict/b.csv"}
