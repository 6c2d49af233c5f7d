"""Pneumonia on chest X-rays of children: normal against pneumonia (Kermany et al. 2018).

Expected: with EfficientNet-Lite0 as below, a test AUC of 0.960 on 308 of the 624 official test
images (`benchmarks/results/`). The paper reports 93.5 % accuracy after 5 epochs of fine-tuning
EfficientNetB0 with Mixup, on what it calls the unseen validation set. Kermany's own InceptionV3
reached 92.8 % and an AUC of 0.968 on all 624.

    dlmath train pneumonia --data DATA

Where the ImageNet weights of EfficientNetB0 cannot be downloaded, those of EfficientNet-Lite0 are
installed with dlmath:

    dlmath train pneumonia --data DATA --backbone efficientnet_lite0 --tune head

Source of the recipe: Tsemo, "The algebra and the geometry aspect of Deep learning", section 6.
"""

from dlmath.models.task import OfficialArchive, Task
from dlmath.recipe import Recipe

TASK = Task(
    recipe=Recipe(
        name="pneumonia",
        classes=("NORMAL", "PNEUMONIA"),
        positive_class="PNEUMONIA",
        # The number, without the kind: bacterial and viral pneumonia may be numbered apart, but if
        # they are not, one child would be on both sides of the split.
        patient_rules=(
            r"^(?P<patient>person\d+)_",
            r"^(?P<patient>NORMAL2-IM-\d+)-",
            r"^(?P<patient>IM-\d+)-",
        ),
        # Lungs and heart; beyond it the framing of a film tells the class too.
        region_width=0.7,
        region_height=0.7,
        backbone="efficientnet_b0",
        weights="imagenet",
        tune="all",
        epochs=5,
        # Of a head trained by steps, by the validation loss on frozen features: 0.128 at 1e-3,
        # 0.096 at 1e-2, 0.106 at 5e-2. Pretrained weights move at a hundredth of it.
        learning_rate=1e-2,
        backbone_rate=0.01,
        warmup_epochs=0.5,
        mixup=0.2,
        # Only Mixup, as in the paper: under a frozen trunk, turning and brightening the films made
        # the validation loss worse: 0.105 against 0.096.
    ),
    archive=OfficialArchive(
        file="ChestXRay2017.zip",
        url="https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/"
        "f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
        page="https://data.mendeley.com/datasets/rscbjbr9sj/2",
        # Neither is published: the archive is known by its images.
        size=None,
        sha256=None,
        about=1_240_000_000,
        images={"NORMAL": 1_583, "PNEUMONIA": 4_273},
        licence=(
            "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/: free to share and adapt, "
            "with credit to the authors, a link to the licence, and changes indicated."
        ),
        citation=(
            "D. S. Kermany, M. Goldbaum, W. Cai, et al.: Identifying Medical Diagnoses and "
            "Treatable Diseases by Image-Based Deep Learning. Cell 172(5):1122-1131, 2018. "
            "https://doi.org/10.1016/j.cell.2018.02.010\n"
            "D. Kermany, K. Zhang, M. Goldbaum: Labeled Optical Coherence Tomography (OCT) and "
            "Chest X-Ray Images for Classification. Mendeley Data, version 2, 2018. "
            "https://doi.org/10.17632/rscbjbr9sj.2"
        ),
    ),
    folders=("chest_xray", "ChestXRay2017"),
    drawing="dlmath.data.phantom_films:DRAWING",
)
