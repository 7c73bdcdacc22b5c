"""A description of the method and its settings, for the methods section of a paper."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..numbers import count

ENCODERS = {f"efficientnet_lite{n}": f"EfficientNet-Lite{n}" for n in range(3)}
BASELINES = {
    "ML": "Gaussian maximum likelihood (ML)",
    "PixelMLP": "a multi-layer perceptron (PixelMLP)",
    "PixelRF": "a random forest (PixelRF)",
}
PACKAGES = ("TensorFlow", "Keras", "ONNX Runtime", "scikit-learn", "rasterio")

# A sentence for each thing that was done, and none for others.
TEMPLATE = """
{{ classes | list_words }} were mapped in {{ images.mapped | count("image") }} by Self-Supervised
Classification (Carbonneau et al. 2020), with the software SSC {{ version }}.

{% if images.cnns %}
{{ images.cnns | count("convolutional neural network") }} (CNN) learned from
{{ images.train | count("labelled image") }}.
{% if unet %}
The architecture was a U-Net (Ronneberger et al. 2015) with
{% if cnn.encoder == "plain" %}
an encoder that began with random weights
{% elif cnn.encoder in encoders %}
the encoder {{ encoders[cnn.encoder] }} (Tan & Le 2019), pretrained on ImageNet,
{% else %}
the encoder {{ cnn.encoder }}, {{ "pretrained on ImageNet" if cnn.weights == "imagenet" else
"pretrained" if cnn.weights else "which began with random weights" }},
{% endif %}
and levels of {{ cnn.channels | list_words }} channels. It was trained for {{ cnn.steps }} steps of
{{ cnn.batch_size | count("patch", "patches") }} of {{ cnn.patch_size }} x {{ cnn.patch_size }}
pixels, drawn about labelled pixels, with the cross-entropy of the labelled pixels and AdamW
(Loshchilov & Hutter 2019). The learning rate rose to {{ cnn.learning_rate }}
{% if cnn.encoder_learning_rate %}
(encoder: {{ cnn.encoder_learning_rate }})
{% endif %}
in the first 5 % of the steps and then fell to 0 along a cosine. The weights are their average over
the steps, in which late steps count most (Shamir & Zhang 2013). Patches were rotated by multiples
of 90 degrees and flipped.
{% if cnn.brightness_jitter %}
Their brightness was changed by up to {{ cnn.brightness_jitter | percent }} %, that of each band by
up to {{ (cnn.brightness_jitter / 3) | percent }} % in addition.
{% endif %}
{% if cnn.cutmix %}
{{ cnn.cutmix | percent }} % of the patches got a rectangle of another one, with its labels (CutMix;
Yun et al. 2019).
{% endif %}
{% if cnn.self_training_steps %}
It was trained for {{ cnn.self_training_steps }} more steps at half the learning rates, with
pseudo-labels (Lee 2013) in one half of each batch: the classes that it gave to pixels of the images
to map with a confidence of 80 % or more.
{% endif %}
{% else %}
The architecture was {{ cnn.architecture }}
{% if cnn.architecture != "compact" %}
with {{ "weights of ImageNet" if cnn.weights == "imagenet" else
"pretrained weights" if cnn.weights else "random weights" }} at first
{% if cnn.weights and cnn.trainable_layers != "all" %}
(trained were the head and {{ cnn.trainable_layers | list_words }})
{% endif %}
{% endif %}
for tiles of {{ tiles.size }} x {{ tiles.size }} pixels. Training tiles had one class on
{{ tiles.purity | percent }} % of their pixels at least, with a stride of {{ tiles.train_stride }}
pixels. The CNN was trained for
{% if cnn.epochs == "auto" %}
a number of epochs that was found by validation,
{% else %}
{{ cnn.epochs | count("epoch") }}, {{ cnn.min_steps }} steps at least,
{% endif %}
with batches of {{ cnn.batch_size | count("tile") }} and Adam (amsgrad) with a learning rate of
{{ cnn.learning_rate }}{{ ", which fell to 0 along a cosine" if cnn.schedule == "cosine" }}.
{% if cnn.augment %}
Tiles were rotated by multiples of 90 degrees and flipped, and their brightness was changed by up to
20 %, that of each band by up to 10 % in addition.
{% endif %}
{% if cnn.balance %}
Tiles were weighted so that all classes counted the same.
{% endif %}
Images were mapped by tiles with a stride of {{ tiles.predict_stride }} pixels.
{% endif %}
{% endif %}
{% if images.started %}
{{ images.started | count("CNN") }} started from weights that had been trained before.
{% endif %}
{% if images.given %}
{{ images.given | count("CNN") }} had been trained before.
{% endif %}
{% if cnn.match_colours %}
{% if images.cnns %}
Training images of another exposure got the colours of the others: images darker or brighter than
most of their river by more than a quarter, and by more than these differed from each other.
{% endif %}
Images of rivers without training images, and images more than a quarter darker or brighter than all
{{ "other " if images.cnns }}training images, were mapped in the colours of the training images.
{% endif %}

{% if refine.method == "none" %}
The map of the CNN is the final map.
{% else %}
The classes that the CNN gave to the pixels of an image were the pseudo-labels of a second
classifier,
{% if refine.method == "mlp" %}
a multi-layer perceptron with {{ layers }}, trained for {{ refine.epochs | count("epoch") }} on
{{ refine.n_samples }} colours.
{% else %}
a random forest of {{ refine.n_trees | count("tree") }}.
{% endif %}
It learned the colours of this image alone,
{% if refine.median_size > 1 %}
smoothed by a median filter of {{ refine.median_size }} x {{ refine.median_size }} pixels and
{% endif %}
rounded to {{ refine.colour_bits }} bits for each band
{% if refine.entropy %}
, and the local entropy of the red band
{% endif %}
.
{% if refine.min_tiles %}
Areas of fewer than {{ refine.min_tiles | count("tile") }} took the class around them first.
{% endif %}
{% if refine.min_probability %}
Pixels with a probability below {{ refine.min_probability }} became no pseudo-labels.
{% endif %}
{% if refine.pixel_fraction < 1 %}
Of the {{ "other " if refine.min_probability }}pixels {{ refine.pixel_fraction | percent }} %, and
{{ refine.min_pixels }} at least, became pseudo-labels.
{% endif %}
{% if refine.smote_enn %}
Classes were balanced by SMOTE-ENN.
{% endif %}
{% if refine.cnn_weight %}
Its probabilities, with the weight {{ refine.colour_weight }}, and those of the CNN, with the weight
{{ refine.cnn_weight }}, gave the final map
{% else %}
Its classes gave the final map
{% endif %}
{% if refine.max_changed_fraction < 1 %}
, in which at most {{ refine.max_changed_fraction | percent }} % of the pixels differ from the map
of the CNN
{% endif %}
.
{% if refine.majority_radius %}
A majority filter with a radius of {{ refine.majority_radius | count("pixel") }} smoothed it.
{% endif %}
{% endif %}

{% if images.scored %}
The maps of {{ images.scored | count("labelled image") }}, from which the CNN had not learned, were
compared with their labels: by overall accuracy, Cohen's kappa (Cohen 1960), user's and producer's
accuracy (Congalton 1991), and F1.
{% endif %}
{% if "leave_one_river_out" in designs %}
Each river was mapped by a CNN that had learned from the other rivers only.
{% endif %}
{% if "cross_validation" in designs %}
For a cross-validation the training images of each river were cut into up to {{ folds }} folds of
neighbouring images, and each fold was mapped by a CNN that had learned from the others.
{% endif %}
{% if baselines %}
For comparison, {{ baselines | list_words }} learned the colours of the labelled pixels of the
training images.
{% endif %}
{% if seeds | length > 1 %}
All this was done with {{ seeds | length }} seeds of the random numbers ({{ seeds | list_words }});
the mean and the standard deviation of the scores are given.
{% else %}
The seed of the random numbers was {{ seeds[0] }}.
{% endif %}
The software ran on Python {{ versions["Python"] }} with {{ packages | list_words }}.
"""

REFERENCES = {
    "Carbonneau et al. 2020": (
        "Carbonneau, P.E., Dugdale, S.J., Breckon, T.P., Dietrich, J.T., Fonstad, M.A., Miyamoto, "
        "H., Woodget, A.S., 2020. Adopting deep learning methods for airborne RGB fluvial scene "
        "classification. Remote Sensing of Environment 251, 112107. "
        "https://doi.org/10.1016/j.rse.2020.112107"
    ),
    "Cohen 1960": (
        "Cohen, J., 1960. A coefficient of agreement for nominal scales. Educational and "
        "Psychological Measurement 20, 37-46."
    ),
    "Congalton 1991": (
        "Congalton, R.G., 1991. A review of assessing the accuracy of classifications of remotely "
        "sensed data. Remote Sensing of Environment 37, 35-46."
    ),
    "Lee 2013": (
        "Lee, D.-H., 2013. Pseudo-label: the simple and efficient semi-supervised learning method "
        "for deep neural networks. ICML Workshop on Challenges in Representation Learning."
    ),
    "Loshchilov & Hutter 2019": (
        "Loshchilov, I., Hutter, F., 2019. Decoupled weight decay regularization. International "
        "Conference on Learning Representations."
    ),
    "Ronneberger et al. 2015": (
        "Ronneberger, O., Fischer, P., Brox, T., 2015. U-Net: convolutional networks for "
        "biomedical image segmentation. MICCAI 2015, LNCS 9351, 234-241."
    ),
    "Shamir & Zhang 2013": (
        "Shamir, O., Zhang, T., 2013. Stochastic gradient descent for non-smooth optimization: "
        "convergence results and optimal averaging schemes. Proceedings of the 30th International "
        "Conference on Machine Learning, PMLR 28(1), 71-79."
    ),
    "Tan & Le 2019": (
        "Tan, M., Le, Q.V., 2019. EfficientNet: rethinking model scaling for convolutional neural "
        "networks. Proceedings of the 36th International Conference on Machine Learning."
    ),
    "Yun et al. 2019": (
        "Yun, S., Han, D., Oh, S.J., Chun, S., Choe, J., Yoo, Y., 2019. CutMix: regularization "
        "strategy to train strong classifiers with localizable features. Proceedings of the "
        "IEEE/CVF International Conference on Computer Vision, 6023-6032."
    ),
}


def describe_methods(
    classes: Sequence[str],
    images: Mapping[str, int],
    cnn: Mapping[str, Any],
    tiles: Mapping[str, Any],
    refine: Mapping[str, Any],
    baselines: Sequence[str],
    designs: Collection[str],
    folds: int,
    seeds: Sequence[int],
    version: str,
    versions: Mapping[str, str],
) -> str:
    """Describe what was done, in paragraphs for a paper.

    Parameters
    ----------
    classes : sequence of str
        Their names.
    images : mapping of str to int
        Numbers of images, each counted once: train (learned from), mapped, scored. Numbers of CNNs,
        those of one seed: cnns (trained), started (of them, from trained weights) and given (that
        were trained before).
    cnn : mapping
        architecture, match_colours, and those of `UNetSettings` or `TileCnnSettings`. `epochs` may
        be `auto`.
    tiles : mapping
        size, purity, train_stride and predict_stride; a U-Net has none.
    refine : mapping
        method (`none` for no phase 2), and those of `PixelClassifierSettings`, `FeatureSettings`,
        `FusionSettings` and the selection of pseudo-labels.
    baselines : sequence of str
    designs : collection of str
        Of the groups.
    folds : int
    seeds : sequence of int
    version : str
        Of this software.
    versions : mapping of str to str
        Of Python and of the packages, by name.

    Returns
    -------
    str
        Paragraphs, then the references that they cite, one on a line.
    """
    import jinja2

    from ..refine.pixel_classifiers import NETWORKS

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"count": count, "list_words": _list_words, "percent": _percent}
    units = refine["hidden_layers"]
    units = NETWORKS[units] if isinstance(units, str) else units
    layers = (
        f"{'hidden layers' if len(units) > 1 else 'a hidden layer'} of {_list_words(units)} units"
    )
    by_name = {name.replace("-", "").lower(): number for name, number in versions.items()}
    text = environment.from_string(TEMPLATE).render(
        classes=classes,
        images=images,
        cnn={"encoder_learning_rate": None, **cnn},
        unet=cnn["architecture"] == "unet",
        encoders=ENCODERS,
        tiles=tiles,
        refine=refine,
        layers=layers,
        baselines=[BASELINES[name] for name in baselines],
        designs=designs,
        folds=folds,
        seeds=seeds,
        version=version,
        versions=versions,
        packages=[
            f"{name} {by_name[name.replace('-', '').replace(' ', '').lower()]}" for name in PACKAGES
        ],
    )
    # The line breaks of the template are none of the text.
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    paragraphs = [re.sub(r" (?=[.,;])", "", paragraph) for paragraph in paragraphs]
    cited = [entry for name, entry in REFERENCES.items() if name in " ".join(paragraphs)]
    return "\n\n".join([*paragraphs, "References", *cited]) + "\n"


def _list_words(words: Sequence[Any]) -> str:
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def _percent(share: float) -> str:
    return f"{100 * share:.3g}"
