"""Maps of images, whole."""

from collections import namedtuple

from ssc.io.rasters import ImageArray, create_class_raster
from ssc.io.windows import whole

WholeMap = namedtuple("WholeMap", "class_map confidence probabilities")


def classify(classifier, pixels, name="image"):
    """The map of an image, and its probabilities."""
    result = classifier.classify(ImageArray(pixels, name))
    return WholeMap(*result.read(whole(pixels.shape)), result.probabilities)


def write_class_raster(path, codes, geometry, classes):
    """A class raster of codes (height, width)."""
    with create_class_raster(path, geometry, classes) as target:
        target.write(whole(codes.shape), codes)
