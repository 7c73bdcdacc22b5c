"""Bad input: one clear message that names the file, status 1, no traceback, nothing written."""

import shutil

import cv2
import numpy as np
import pytest
import rasterio

from run import REPO, run_snakemake


@pytest.fixture
def river(tmp_path):
    """Two training images and one to classify of a sample river."""
    for folder, number in (("train", "0001"), ("train", "0002"), ("predict", "0005")):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in (f"Clearbrook_{number}.jpg", f"SCLS_Clearbrook_{number}.tif"):
            shutil.copy(REPO / "sample_data" / folder / name, tmp_path / folder / name)
    return tmp_path


def write_labels(path, labels):
    height, width = labels.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype=labels.dtype
    ) as target:
        target.write(labels, 1)


def read_labels(path):
    with rasterio.open(path) as source:
        return source.read(1)


def no_label(river):
    (river / "train/SCLS_Clearbrook_0001.tif").unlink()
    return "train/Clearbrook_0001.jpg: training image without labels"


def label_of_another_size(river):
    path = river / "train/SCLS_Clearbrook_0001.tif"
    write_labels(path, read_labels(path)[:, :-1])
    return "train/SCLS_Clearbrook_0001.tif: 599 x 400 px, but its image is 600 x 400"


def unknown_code(river):
    path = river / "predict/SCLS_Clearbrook_0005.tif"
    labels = read_labels(path)
    labels[0, 0] = 9
    write_labels(path, labels)
    return "predict/SCLS_Clearbrook_0005.tif: code(s) 9 not among the classes 1, 2, 3, 4, 5"


def half_codes(river):
    path = river / "predict/SCLS_Clearbrook_0005.tif"
    write_labels(path, read_labels(path) / 2)
    return "predict/SCLS_Clearbrook_0005.tif: holds values that are not whole class codes"


def three_digits(river):
    (river / "predict/Clearbrook_0005.jpg").rename(river / "predict/Clearbrook_005.jpg")
    return "predict/Clearbrook_005.jpg: not named RiverName_NNNN.jpg"


def two_files_for_one_image(river):
    image = river / "predict/Clearbrook_0005.jpg"
    shutil.copy(image, image.with_suffix(".JPEG"))
    return "two files for one image; remove one"


def empty_folder(river):
    shutil.rmtree(river / "predict")
    (river / "predict").mkdir()
    return "campaign.predict: no image RiverName_NNNN.jpg in predict"


def truncated_jpeg(river):
    image = river / "predict/Clearbrook_0005.jpg"
    image.write_bytes(image.read_bytes()[:30000])
    return "predict/Clearbrook_0005.jpg: truncated or damaged; copy it anew"


def grey_image(river):
    cv2.imwrite(str(river / "predict/Clearbrook_0005.jpg"), np.zeros((400, 600), np.uint8))
    return "predict/Clearbrook_0005.jpg: 1 band(s) of uint8, not 8-bit RGB"


def rgba_image(river):
    return not_a_jpeg(river, np.zeros((400, 600, 4), np.uint8), "4 band(s) of uint8")


def sixteen_bit_image(river):
    return not_a_jpeg(river, np.zeros((400, 600, 3), np.uint16), "3 band(s) of uint16")


def not_a_jpeg(river, pixels, kind):
    """A PNG under the name of a JPEG, as renaming by hand makes them."""
    path = river / "predict/Clearbrook_0005.jpg"
    path.write_bytes(cv2.imencode(".png", pixels)[1])
    return f"predict/Clearbrook_0005.jpg: {kind}, not 8-bit RGB"


def smaller_than_a_tile(river):
    cv2.imwrite(str(river / "predict/Clearbrook_0009.jpg"), np.zeros((49, 600, 3), np.uint8))
    return "predict/Clearbrook_0009.jpg: 600 x 49 px, smaller than a tile of 50 px"


def pure_tiles_of_one_class(river):
    label_one_class(river)
    return "group Clearbrook: pure tiles of 1 class(es) only"


def labels_of_one_class(river):
    label_one_class(river)
    return "group Clearbrook: labels of 1 class(es) only"


def label_one_class(river):
    for path in (river / "train").glob("SCLS*"):
        write_labels(path, (read_labels(path) == 1).astype(np.uint8))


FAULTS = [
    no_label,
    label_of_another_size,
    unknown_code,
    half_codes,
    three_digits,
    two_files_for_one_image,
    empty_folder,
    truncated_jpeg,
    grey_image,
    rgba_image,
    sixteen_bit_image,
    labels_of_one_class,
]
FAULTS_OF_TILES = [smaller_than_a_tile, pure_tiles_of_one_class]
CONFIG = {"campaign": {"train": "train", "predict": "predict"}}
OF_TILES = CONFIG | {"method": "published", "tiles": {"train_stride": 25}}


@pytest.mark.parametrize("fault", FAULTS + FAULTS_OF_TILES, ids=lambda fault: fault.__name__)
def test_a_fault_is_named_and_stops_the_run(river, fault):
    message = fault(river)
    config = OF_TILES if fault in FAULTS_OF_TILES else CONFIG
    run = run_snakemake(river, "--cores", 2, config=config)
    assert run.returncode == 1
    assert message in run.stdout
    assert "Traceback" not in run.stdout
    results = river / "results"
    assert not [path for path in results.rglob("*") if path.is_file()]


def test_all_faults_are_told_at_once(river):
    messages = [
        fault(river) for fault in (label_of_another_size, truncated_jpeg, smaller_than_a_tile)
    ]
    run = run_snakemake(river, "--cores", 2, config=OF_TILES)
    last_lines = "\n".join(run.stdout.splitlines()[-12:])
    assert all(message in last_lines for message in messages)


@pytest.mark.parametrize(
    ("config", "lacking"), [(CONFIG, "labelled pixel"), (OF_TILES, "pure tile")]
)
def test_a_class_that_nothing_teaches_is_a_warning_in_log_and_report(river, config, lacking):
    for path in (river / "train").glob("SCLS*"):
        labels = read_labels(path)
        write_labels(path, np.where(labels == 5, 0, labels).astype(np.uint8))
    run = run_snakemake(river, "check_images", "--cores", 1, config=config)
    assert run.returncode == 0
    assert f"no {lacking}: the CNN Clearbrook cannot map Paved road" in run.stdout
    assert "cannot map Paved road" in (river / "results/training_labels.html").read_text()
