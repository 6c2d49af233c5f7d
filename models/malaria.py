"""Malaria on single red blood cells: parasitized against uninfected (NLM, Rajaraman et al. 2018).

    dlmath train malaria --data DATA

trains the last blocks of EfficientNet-Lite0 on cached activations of turned, mirrored and shifted
cells. `docs/results.md` says what it reaches, over five folds of the patients.

    dlmath train malaria --data DATA --recipe paper

is the recipe of the paper: three convolution blocks, four dense layers, Adam, cross-entropy, 5
epochs. Its accuracy is 0.945, its AUC 0.976 on cells of unseen patients (mean of seeds 0-2). The
paper reports over 95 % accuracy, on a random split that lets one patient's cells stand on both
sides. With the patients apart, Rajaraman et al. reached 95.9 % and an AUC of 0.991 by a pretrained
network on all 27,558 cells.

Source of the paper's recipe: Tsemo, "The algebra and the geometry aspect of Deep learning",
section 6.
"""

from dlmath.models.task import OfficialArchive, Task
from dlmath.recipe import Recipe

PAPER = Recipe(
    name="malaria",
    # As on disk. The disease is class 0 here, and class 1 in pneumonia.
    classes=("Parasitized", "Uninfected"),
    positive_class="Parasitized",
    patient_rules=(r"^(?P<patient>C\d+)",),
    backbone="malaria_cnn",
    weights="none",
    tune="all",
    image_size=64,
    dropout=0.2,
    epochs=5,
    learning_rate=1e-3,
    warmup_epochs=0.25,
    # A cell under the microscope has no upright position.
    flip_horizontal=True,
    flip_vertical=True,
    rotation=180.0,
)

TASK = Task(
    recipe=PAPER.replace(
        backbone="efficientnet_lite0",
        weights="imagenet",
        tune="tail",
        image_size=128,
        augmented_views=4,
        dropout=0.0,
        epochs=6,
        learning_rate=1e-2,
        backbone_rate=0.05,
        warmup_epochs=1,
        mixup=0.2,
        ema=0.99,
        zoom=0.15,
        shift=0.05,
        stretch=0.1,
        brightness=0.15,
        contrast=0.2,
        gamma=0.3,
    ),
    others={"paper": PAPER},
    archive=OfficialArchive(
        file="cell_images.zip",
        url="https://data.lhncbc.nlm.nih.gov/public/Malaria/cell_images.zip",
        page="https://lhncbc.nlm.nih.gov/publication/pub9932",
        # Both from TensorFlow Datasets 4.9.10, datasets/malaria/checksums.tsv.
        size=353_452_851,
        sha256="0a949556b2414159b5100192609805376654c4266d8d187be9b1922fad43c668",
        about=353_452_851,
        images={"Parasitized": 13_779, "Uninfected": 13_779},
        licence=(
            "Public domain: a work of the U.S. National Library of Medicine (NLM), which asks to "
            "be credited as the source and to have the paper cited."
        ),
        citation=(
            "S. Rajaraman, S. K. Antani, M. Poostchi, K. Silamut, M. A. Hossain, R. J. Maude, "
            "S. Jaeger, G. R. Thoma: Pre-trained convolutional neural networks as feature "
            "extractors toward improved malaria parasite detection in thin blood smear images. "
            "PeerJ 6:e4568, 2018. https://doi.org/10.7717/peerj.4568"
        ),
    ),
    folders=("cell_images",),
    drawing="dlmath.data.phantom_smears:DRAWING",
    tfds_warnings={
        "malaria": "Its cells are of 200 patients, so it cannot be split honestly: get the archive "
        "with `dlmath data download malaria`, or build tfds:nlm_malaria (dlmath.data.tfds)."
    },
)
