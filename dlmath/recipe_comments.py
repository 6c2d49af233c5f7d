"""A recipe as a file to be edited: every field with a line that says what it does."""

import textwrap

from dlmath.recipe import Recipe

# Headings, and below each its fields in the order of the file.
_SECTIONS: dict[str, dict[str, str]] = {
    "What the data are": {
        "recipe_version": "Of this format.",
        "name": "Names the run's folder, runs/<name>-<time>.",
        "classes": "In the order of the model's outputs; [] takes them as found on disk.",
        "positive_class": "Of two classes the one looked for: every metric is about it.",
        "patient_rules": "Regular expressions, tried in turn on a file's name; the group named "
        "`patient` tells patients apart, who are never on both sides. []: not known.",
        "validation_fraction": "Share of the patients on whom threshold and epoch are chosen.",
        "test_fraction": "Share of the patients kept for the end; not used where a test part is "
        "on disk.",
        "on_bad_file": "error: stop and name the files; skip: leave them out and say so.",
    },
    "What the model is": {
        "backbone": "The network below the head; a name that is not known lists those that are. "
        "The weights of efficientnet_lite0 need no network.",
        "weights": "imagenet, none (random), or the path of a weights file.",
        "layers": "keras, or scratch: our layers with hand-derived gradients (malaria_cnn only).",
        "tune": "head: the last layer alone, in minutes; tail: the last blocks too; all: every "
        "weight.",
        "image_size": "Pixels a side; images are resized to squares.",
        "dropout": "Share of the features dropped before the head in training by steps.",
        "precision": "What the network computes in: float32, bfloat16 or float16.",
    },
    "How the labels count": {
        "class_weights": "balanced: classes weigh alike however many images they have; none.",
        "label_smoothing": "Share of each label that is spread over all classes.",
    },
    "How a head is fitted that is all there is to fit (tune = head)": {
        "head_solver": "exact: the optimum of logistic regression; sgd: by steps, as below.",
        "l2": "Strength of the penalty on the head's weights; 0: by cross-validation over "
        "patients.",
        "augmented_views": "How many augmented copies of each training image the solver also sees.",
        "feature_mixup": "Alpha of Mixup between features; 0 turns it off.",
    },
    "How everything else is trained, by steps": {
        "epochs": "How often each training image is seen.",
        "batch_size": "Images a step.",
        "optimizer": "adam, adamw or sgd.",
        "learning_rate": "Of the head, and of whatever is not pretrained.",
        "backbone_rate": "Pretrained weights learn at this fraction of the learning rate.",
        "weight_decay": "Of adamw.",
        "schedule": "cosine: down to nothing over the epochs; constant.",
        "warmup_epochs": "Epochs over which the learning rate rises from nothing.",
        "ema": "Momentum of an average of the weights over the steps, by which epochs are judged "
        "and which is kept; 0: the weights as they are; 0.99 averages about a hundred steps.",
        "mixup": "Alpha of Mixup between images; 0 turns it off; 0.2 is usual.",
        "mixup_per": "Whether each example draws its own share, or the whole batch one.",
        "patience": "Stop after so many epochs without a better validation AUC; 0: train them all.",
    },
    "How training images are varied": {
        "flip_horizontal": "Mirror left and right at random.",
        "flip_vertical": "Mirror top and bottom at random.",
        "rotation": "Turn by up to so many degrees.",
        "zoom": "Enlarge or shrink by up to this fraction.",
        "shift": "Move by up to this fraction of the side.",
        "brightness": "Brighten or darken by up to this fraction.",
    },
    "What is decided with it": {
        "calibration": "How probabilities are made to mean what they say, on validation and before "
        "the threshold: temperature, platt (two classes) or none.",
        "threshold_rule": "How the threshold is chosen on validation: youden (sensitivity plus "
        "specificity), accuracy, sensitivity or specificity (of at least threshold_target), costs.",
        "threshold_target": "What sensitivity, or specificity, those two rules must reach.",
        "miss_cost": "For costs: how many false alarms are as bad as one missed positive image.",
        "abstain_rule": "Which answers are marked as unsure, chosen on validation: the least sure "
        "ones, down to a coverage or to a risk; none. No decision changes by it.",
        "abstain_coverage": "For coverage: share of validation images answered at least.",
        "abstain_risk": "For risk: share of the answered ones that is decided wrongly at most.",
        "usual_share": "Share of validation images near enough to the training images; farther "
        "ones are marked as unusual.",
        "seed": "Of split, order, augmentation and first weights.",
    },
}

COMMENTS = {name: text for section in _SECTIONS.values() for name, text in section.items()}


def commented_toml(recipe: Recipe, opening: str) -> str:
    """Return the recipe as TOML, each field below a comment on it.

    Args:
        recipe: What to write.
        opening: Lines for the top of the file, without comment signs.
    """
    written = dict(line.split(" = ", 1) for line in recipe.to_toml().splitlines())
    blocks = ["".join(_comment(line) for line in opening.splitlines())]
    for heading, fields in _SECTIONS.items():
        lines = [f"# --- {heading} ---\n"]
        lines += [f"{_comment(text)}{name} = {written[name]}\n" for name, text in fields.items()]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 98, break_on_hyphens=False))
