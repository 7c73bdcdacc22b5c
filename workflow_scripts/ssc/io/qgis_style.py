"""Styles of QGIS: exactly the classes of a campaign, in their colours, as its legend.

The elements are those of styles that QGIS 3 saves. It fills in what they leave out.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from matplotlib.colors import to_hex, to_rgb

from ..classes import LandClass

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def write_map_style(path: str | Path, classes: Sequence[LandClass]) -> None:
    """Write the style that QGIS draws a class map by, if it lies beside it with its name.

    Parameters
    ----------
    path : str or pathlib.Path
        `<name>.qml` for the map `<name>.tif`.
    classes : sequence of LandClass

    Notes
    -----
    Values without a row in the palette, such as 0 for no data, are transparent.
    """
    root = _root()
    pipe = SubElement(root, "pipe")
    form = dict(type="paletted", band="1", opacity="1", alphaBand="-1", nodataColor="")
    renderer = SubElement(pipe, "rasterrenderer", form)
    palette = SubElement(renderer, "colorPalette")
    for c in classes:
        entry = dict(value=str(c.code), color=to_hex(c.colour), label=c.name, alpha="255")
        SubElement(palette, "paletteEntry", entry)
    SubElement(root, "blendMode").text = "0"
    Path(path).write_text(_text(root), "utf-8")


def style_polygons(classes: Sequence[LandClass]) -> str:
    """Make the style of a layer of polygons with a column class_code.

    Parameters
    ----------
    classes : sequence of LandClass

    Returns
    -------
    str
        The text of a `.qml` file.
    """
    root = _root()
    form = {"type": "categorizedSymbol", "attr": "class_code", "enableorderby": "0"}
    renderer = SubElement(root, "renderer-v2", form)
    categories, symbols = (SubElement(renderer, name) for name in ("categories", "symbols"))
    for number, c in enumerate(classes):
        form = dict(render="true", value=str(c.code), symbol=str(number), label=c.name)
        SubElement(categories, "category", form, type="long")
        symbol = SubElement(symbols, "symbol", type="fill", name=str(number), alpha="1")
        layer = SubElement(symbol, "layer", {"class": "SimpleFill"}, enabled="1", locked="0")
        red, green, blue = (round(255 * value) for value in to_rgb(c.colour))
        options = SubElement(layer, "Option", type="Map")
        values = dict(color=f"{red},{green},{blue},255", style="solid", outline_style="no")
        for name, value in values.items():
            SubElement(options, "Option", type="QString", name=name, value=value)
    SubElement(root, "layerGeometryType").text = "2"
    return _text(root)


def _root() -> Element:
    return Element("qgis", version="3.22.0", styleCategories="Symbology")


def _text(root: Element) -> str:
    ElementTree.indent(root)
    return DOCTYPE + ElementTree.tostring(root, "unicode") + "\n"
