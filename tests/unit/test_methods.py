import pytest

from ssc.cnn.sampling import TILE_JITTER
from ssc.evaluation.methods import describe_methods

UNET = {"architecture": "unet", "encoder": "efficientnet_lite0", "channels": [64, 96]}
UNET |= {"steps": 200, "batch_size": 8, "patch_size": 256, "brightness_jitter": 0.1}
UNET |= {"learning_rate": 0.001, "encoder_learning_rate": 0.0002, "match_colours": False}
UNET |= {"self_training_steps": 0, "cutmix": 0.5}
TILE_CNN = {
    "architecture": "NASNetLarge",
    "weights": "imagenet",
    "trainable_layers": ["left", "right"],
}
TILE_CNN |= {"epochs": 8, "min_steps": 300, "batch_size": 64, "learning_rate": 0.001}
TILE_CNN |= {"schedule": "constant", "augment": True, "balance": False, "match_colours": True}
TILES = {"size": 50, "purity": 0.9, "train_stride": 25, "predict_stride": 10}
REFINE = {"method": "mlp", "hidden_layers": "deep", "epochs": 10, "n_samples": 20000, "n_trees": 50}
REFINE |= {"colour_bits": 6, "median_size": 9, "entropy": False, "smote_enn": False, "min_tiles": 0}
REFINE |= {"min_probability": 0, "pixel_fraction": 1, "min_pixels": 1000, "majority_radius": 0}
REFINE |= {"cnn_weight": 1, "colour_weight": 0.25, "max_changed_fraction": 0.005}
IMAGES = {"train": 1, "mapped": 2500, "scored": 3, "cnns": 1, "started": 0, "given": 0}
VERSIONS = {"Python": "3.11.7", "tensorflow": "2.21.0", "keras": "3.15.1", "rasterio": "1.4.4"}
VERSIONS |= {"onnxruntime": "1.31.1", "scikit-learn": "1.9.1"}


def describe(images=(), refine=(), seeds=(42,), **others):
    settings = dict(cnn=UNET, tiles=TILES, baselines=[], designs={"per_river"}, folds=5)
    return describe_methods(
        classes=["Water", "Sand"],
        images=IMAGES | dict(images),
        refine=REFINE | dict(refine),
        seeds=seeds,
        version="0.2.0",
        versions=VERSIONS,
        **settings | others,
    )


def test_each_setting_of_the_default_method_is_stated():
    what, cnn, refined, scored, heading, *references = describe().strip().split("\n\n")
    assert what == (
        "Water and Sand were mapped in 2,500 images by Self-Supervised Classification (Carbonneau "
        "et al. 2020), with the software SSC 0.2.0."
    )
    assert cnn == (
        "1 convolutional neural network (CNN) learned from 1 labelled image. The architecture was "
        "a U-Net (Ronneberger et al. 2015) with the encoder EfficientNet-Lite0 (Tan & Le 2019), "
        "pretrained on ImageNet, and levels of 64 and 96 channels. It was trained for 200 steps of "
        "8 patches of 256 x 256 pixels, drawn about labelled pixels, with the cross-entropy of the "
        "labelled pixels and AdamW (Loshchilov & Hutter 2019). The learning rate rose to 0.001 "
        "(encoder: 0.0002) in the first 5 % of the steps and then fell to 0 along a cosine. "
        "The weights are their average over the steps, in which late steps count most (Shamir & "
        "Zhang 2013). "
        "Patches were rotated by multiples of 90 degrees and flipped. Their brightness was changed "
        "by up to 10 %, that of each band by up to 3.33 % in addition. 50 % of the patches got a "
        "rectangle of another one, with its labels (CutMix; Yun et al. 2019)."
    )
    assert refined == (
        "The classes that the CNN gave to the pixels of an image were the pseudo-labels of a "
        "second classifier, a multi-layer perceptron with hidden layers of 256, 128, 64, 32 and 32 "
        "units, trained for 10 epochs on 20000 colours. It learned the colours of this image "
        "alone, smoothed by a median filter of 9 x 9 pixels and rounded to 6 bits for each band. "
        "Its probabilities, with the weight 0.25, and those of the CNN, with the weight 1, gave "
        "the final map, in which at most 0.5 % of the pixels differ from the map of the CNN."
    )
    assert scored == (
        "The maps of 3 labelled images, from which the CNN had not learned, were compared with "
        "their labels: by overall accuracy, Cohen's kappa (Cohen 1960), user's and producer's "
        "accuracy (Congalton 1991), and F1. The seed of the random numbers was 42. The software "
        "ran on Python 3.11.7 with TensorFlow 2.21.0, Keras 3.15.1, ONNX Runtime 1.31.1, "
        "scikit-learn 1.9.1 and rasterio 1.4.4."
    )
    assert heading == "References"
    names = "Carbonneau Cohen Congalton Loshchilov Ronneberger Shamir Tan Yun"
    assert [reference.partition(",")[0] for reference in references] == names.split()


def test_a_tile_cnn_is_described_with_its_tiles():
    text = describe(cnn=TILE_CNN, refine={"method": "none"})
    assert "U-Net" not in text and "Ronneberger" not in text
    assert "NASNetLarge with weights of ImageNet at first (trained were the head and left" in text
    assert (
        "Training tiles had one class on 90 % of their pixels at least, with a stride of 25" in text
    )
    assert "trained for 8 epochs, 300 steps at least, with batches of 64 tiles" in text
    assert "a learning rate of 0.001. Tiles were rotated" in text
    assert "by up to 20 %, that of each band by up to 10 % in addition. Images were" in text
    assert TILE_JITTER == (0.2, 0.1)
    assert (
        "Training images of another exposure got the colours of the others: images darker or "
        "brighter than most of their river by more than a quarter, and by more than these differed "
        "from each other. Images of rivers without training images, and images more than a quarter "
        "darker or brighter than all other training images, were mapped in the colours of the "
        "training images."
    ) in text
    assert "The map of the CNN is the final map." in text


def test_what_was_not_done_is_not_told():
    trained = {"given": 2, "cnns": 0, "scored": 0}
    text = describe(images=trained, refine={"cnn_weight": 0, "max_changed_fraction": 1})
    assert "\n\n2 CNNs had been trained before.\n\n" in text
    assert "Its classes gave the final map.\n\nThe seed" in text
    assert "Congalton" not in text and "AdamW" not in text
    text = describe(images=trained, cnn=UNET | {"match_colours": True})
    assert "Training images" not in text and "brighter than all training images, were" in text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": (42, 43, 44)}, "with 3 seeds of the random numbers (42, 43 and 44); the mean"),
        ({"designs": {"cross_validation"}}, "cut into up to 5 folds of neighbouring images"),
        (
            {"baselines": ["ML", "PixelRF"]},
            "maximum likelihood (ML) and a random forest (PixelRF) ",
        ),
        (
            {"refine": {"method": "rf"}},
            "second classifier, a random forest of 50 trees. It learned",
        ),
        ({"refine": {"entropy": True}}, "6 bits for each band, and the local entropy"),
        (
            {"cnn": UNET | {"encoder": "plain"}},
            "with an encoder that began with random weights and",
        ),
        (
            {"cnn": UNET | {"self_training_steps": 90}},
            "for 90 more steps at half the learning rates, with pseudo-labels (Lee 2013) in one",
        ),
        ({"cnn": UNET | {"encoder": "ResNet50", "weights": "imagenet"}}, "ResNet50, pretrained on"),
    ],
)
def test_other_settings_have_their_sentence(settings, sentence):
    assert sentence in describe(**settings)
