import numpy as np
import PIL.Image
import pytest

from ssc.classes import LandClass
from ssc.evaluation.figures import save_figure
from ssc.evaluation.panels import class_palette, colour_confidence, draw_panel, lay_out

# Not the colours of any text, frame or background.
CLASSES = [LandClass(1, "Water", "#0050ff"), LandClass(3, "Sand", "#ff9010")]
BLUE, ORANGE, MAGENTA = (0, 0x50, 0xFF), (0xFF, 0x90, 0x10), (200, 0, 200)
SHAPE = (60, 90)


def halves(left, right, shape=SHAPE):
    codes = np.full(shape, left, np.uint8)
    codes[:, shape[1] // 2 :] = right
    return codes


def draw(labels=None, maps=None, width=600, shape=SHAPE, classes=CLASSES, **options):
    image = np.full((*shape, 3), MAGENTA, np.uint8)
    maps = maps or [("CNN map", halves(1, 1, shape)), ("Final map", halves(1, 3, shape))]
    confidence = np.full(shape, 90, np.uint8)
    layout = lay_out(shape, 2 + len(maps), width)
    title = options.pop("title", "Ure_0001")
    return draw_panel(title, image, labels, confidence, maps, classes, layout, **options)


def picture(figure, path):
    save_figure(figure, path / "a.png")
    with PIL.Image.open(path / "a.png") as image:
        return np.asarray(image.convert("RGB"))


def share_of(colour, pixels):
    return (pixels == colour).all(axis=2).mean()


@pytest.mark.parametrize("width", [600, 601, 1005, 1113, 1200, 2244])
def test_panel_is_exactly_as_wide_as_asked(tmp_path, width):
    assert picture(draw(width=width), tmp_path).shape[1] == width


def test_panel_shows_image_labels_and_maps_in_their_colours(tmp_path):
    pixels = picture(draw(halves(1, 3)), tmp_path)
    # Of four equal parts one is the image, two are blue in all and one is orange.
    part = share_of(MAGENTA, pixels)
    assert part > 0.1
    assert share_of(BLUE, pixels) == pytest.approx(2 * part, rel=0.05)
    assert share_of(ORANGE, pixels) == pytest.approx(part, rel=0.05)


def test_unlabelled_pixels_are_black(tmp_path):
    pixels = picture(draw(halves(0, 3), [("Map", halves(1, 1))]), tmp_path)
    assert share_of((0, 0, 0), pixels) == pytest.approx(share_of(ORANGE, pixels), rel=0.2)


def test_confidence_takes_the_place_of_labels(tmp_path):
    figure = draw()
    (colour,) = np.unique(colour_confidence(halves(90, 90), halves(1, 1)).reshape(-1, 3), axis=0)
    pixels = picture(figure, tmp_path)
    assert share_of(colour, pixels) == pytest.approx(share_of(MAGENTA, pixels), rel=0.05)
    captions = [text.get_text().split("\n")[0] for text in figure.texts]
    assert captions[:3] == ["Ure_0001", "(a) Image", "(b) Confidence of the final map"]
    assert {"0", "100 %"} < set(captions)


def test_confidence_is_black_where_nothing_is_mapped():
    colours = colour_confidence(
        np.array([[100, 0, 100]], np.uint8), np.array([[1, 1, 0]], np.uint8)
    )
    assert colours[0, 2].tolist() == [0, 0, 0]
    # Yellow above blue: light is high confidence.
    assert colours[0, 0].sum() > colours[0, 1].sum() > 0


def test_parts_have_letters_and_a_legend_of_all_classes():
    figure = draw(
        halves(0, 0), [("CNN map\nF1 5\u00a0%", halves(0, 0)), ("Final map", halves(0, 0))]
    )
    captions = [text.get_text() for text in figure.texts[1:]]
    assert captions == ["(a) Image", "(b) Labels", "(c) CNN map\nF1 5\u00a0%", "(d) Final map"]
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["Water", "Sand", "Unlabelled, no data"]


@pytest.mark.parametrize(
    ("shape", "columns"),
    [((400, 600), 2), ((600, 400), 2), ((900, 200), 4), ((150, 900), 1), ((20, 9000), 1)],
)
def test_parts_keep_their_shape_and_fit_on_a_page(shape, columns):
    layout = lay_out(shape, 4, 1200)
    assert layout.columns == columns
    width, height = layout.size
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.3 if height < 5 else 0.02)
    assert columns * width <= 1200
    figure = draw(shape=(shape[0] // 10 or 1, shape[1] // 10), width=1200)
    assert figure.get_figheight() <= 1.5 * figure.get_figwidth()


@pytest.mark.parametrize("shape", [(60, 90), (90, 20), (15, 90)])
def test_nothing_is_cut(shape):
    long = "Gravel, sand and other sediment that the river has left $ behind $ in the last flood"
    classes = [LandClass(n, f"{long} {n}", "red") for n in range(1, 8)]
    figure = draw(shape=shape, classes=classes, title=5 * long, width=1200)
    renderer = figure.canvas.get_renderer()
    parts = [*figure.texts, *figure.legends]
    boxes = [part.get_window_extent(renderer) for part in parts]
    assert min(box.x0 for box in boxes) >= 0
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert max(box.y1 for box in boxes) <= figure.bbox.y1


def test_georeferenced_image_has_a_scale_bar():
    (bar,) = draw(metres=90.0).axes[0].artists
    size = lay_out(SHAPE, 4, 600).size
    # 90 m are as wide as the image.
    assert bar.dx * size[0] == pytest.approx(90)
    assert bar.units == "m"
    assert not draw().axes[0].artists


def test_palette_is_black_without_a_class():
    palette = class_palette(CLASSES)
    assert palette[[0, 1, 2, 3, 255]].tolist() == [
        [0, 0, 0],
        [*BLUE],
        [0, 0, 0],
        [*ORANGE],
        [0, 0, 0],
    ]
