"""Maps of images in memory, whole."""

from collections import namedtuple

from ssc.io.rasters import ImageArray
from ssc.io.windows import whole

WholeMap = namedtuple("WholeMap", "class_map confidence probabilities")


def classify(classifier, pixels, name="image"):
    """The map of an image, and its probabilities."""
    result = classifier.classify(ImageArray(pixels, name))
    return WholeMap(*result.read(whole(pixels.shape)), result.probabilities)
