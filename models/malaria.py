"""Malaria on single red blood cells: parasitized against uninfected (NLM, Rajaraman et al. 2018).

Expected: accuracy 0.945, AUC 0.976 on cells of unseen patients (mean of seeds 0-2; 5,416 cells,
capped per patient; `benchmarks/results/`). The paper reports over 95 % accuracy after 5 epochs, on
a random split that lets one patient's cells stand on both sides. With the patients apart, Rajaraman
et al. reached 95.9 % and an AUC of 0.991 by a pretrained network on all 27,558 cells.

    dlmath train malaria --data DATA

Source of the recipe: Tsemo, "The algebra and the geometry aspect of Deep learning", section 6:
three convolution blocks, four dense layers, Adam, cross-entropy, 5 epochs.
"""

from dlmath.data.official import OFFICIAL
from dlmath.recipe import Recipe

RECIPE = Recipe(
    name="malaria",
    # As on disk. The disease is class 0 here, and class 1 in pneumonia.
    classes=("Parasitized", "Uninfected"),
    positive_class="Parasitized",
    patient_rules=OFFICIAL["malaria"].patient_rules,
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
