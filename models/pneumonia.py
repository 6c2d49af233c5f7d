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

from dlmath.data.official import OFFICIAL
from dlmath.recipe import Recipe

RECIPE = Recipe(
    name="pneumonia",
    classes=("NORMAL", "PNEUMONIA"),
    positive_class="PNEUMONIA",
    patient_rules=OFFICIAL["pneumonia"].patient_rules,
    backbone="efficientnet_b0",
    weights="imagenet",
    tune="all",
    epochs=5,
    # Of a head trained by steps, by the validation loss on frozen features: 0.128 at 1e-3, 0.096 at
    # 1e-2, 0.106 at 5e-2. Pretrained weights move at a hundredth of it.
    learning_rate=1e-2,
    backbone_rate=0.01,
    warmup_epochs=0.5,
    mixup=0.2,
    # Mixup alone, as in the paper: under a frozen trunk, turning and brightening the films made the
    # validation loss worse: 0.105 against 0.096.
)
