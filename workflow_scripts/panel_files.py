"""The 4-part figure of an image, from the files of its group."""

from ssc.evaluation.areas import pixel_width
from ssc.evaluation.panels import STAGE_TITLES, draw_panel, lay_out
from ssc.io.rasters import open_band, open_class_raster, open_image
from ssc.io.tables import read_table
from ssc.report.previews import write_thumbnail


def draw_image(name, image_path, white, label_path, group, stages, classes, width, thumbnail=None):
    """Draw the 4-part figure of an image.

    Parameters
    ----------
    name, image_path : str
    white : int
        As of `open_image`.
    label_path : pathlib.Path or None
        Labels, where the maps are scored.
    group : pathlib.Path
        Folder of the group's results.
    stages : mapping of str to str
        Folder of each stage's maps, in order.
    classes : sequence of LandClass
    width : int
        Of the figure, in pixels.
    thumbnail : pathlib.Path, optional
        Where to write image and final map as a small picture, from the same previews.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with open_image(image_path, white) as source:
        layout = lay_out(source.shape[:2], 2 + len(stages), width)
        image, side = source.preview(layout.size[0]), pixel_width(source.geometry)
        metres = side and side * source.shape[1]
    labels, maps = None, []
    if label_path:
        labels = read_preview(open_class_raster, label_path, layout)
    for stage, folder in stages.items():
        caption = STAGE_TITLES[stage]
        if label_path:
            caption += f"\n{describe(group / f'scores/{stage}_{name}.csv')}"
        path = group / folder / f"{stage}_{name}.tif"
        maps.append((caption, read_preview(open_class_raster, path, layout)))
    if thumbnail:
        write_thumbnail(thumbnail, image, maps[-1][1], classes)
    confidence = read_preview(open_band, group / folder / f"confidence_{name}.tif", layout)
    return draw_panel(name, image, labels, confidence, maps, classes, layout, metres)


def read_preview(open_raster, path, layout):
    with open_raster(path) as raster:
        return raster.preview(layout.size[0])


def describe(scores):
    f1 = read_table(scores).set_index("class")["f1_score"] * 100
    # No line ends between a number and its unit.
    return f"F1 weighted {f1['ALL']:.1f}\u00a0%, macro {f1['MACRO']:.1f}\u00a0%"
