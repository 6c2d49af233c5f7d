"""A recipe: everything that decides the result of a run, in one frozen value.

It reads from TOML and writes to TOML with every default written out, so that a run says
what made it. Where the data lies and on which device it ran are in the manifest instead.
"""

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from dlmath.errors import RecipeError
from dlmath.given_paths import given_path
from dlmath.recipe import metadata, uses
from dlmath.recipe.checks import check_together
from dlmath.recipe.metadata import (
    Between,
    OneOf,
    Option,
    check_known,
    setting,
    settings_of,
    typed,
    types_of,
)
from dlmath.recipe.toml_text import toml

RECIPE_VERSION = 1
# Fields of older recipes by their earlier names, under which they are still read.
EARLIER_NAMES = {"usual_share": "in_distribution_share"}

# A field of each section of the file.
_data = partial(setting, section=metadata.DATA)
_model = partial(setting, section=metadata.MODEL)
_labels = partial(setting, section=metadata.LABELS)
_head = partial(setting, section=metadata.HEAD, used_by=uses.SOLVED_HEAD)
_steps = partial(setting, section=metadata.TRAINING, used_by=uses.STEPS)
_augmentation = partial(
    setting, section=metadata.AUGMENTATION, used_by=uses.AUGMENTING, changes_views=True
)
_decision = partial(setting, section=metadata.DECISION)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    Each field says itself what it means, which values it takes, and what uses it: see
    `dlmath.recipe.metadata`. Fields are checked on construction. Fractions are of patients, angles
    in degrees, shifts and zooms fractions of the image's side.

    Raises:
        RecipeError: A field has the wrong type or lies outside its range.
    """

    recipe_version: int = _data(RECIPE_VERSION, "Of this format.", Between(1, RECIPE_VERSION))
    name: str = _data(
        dataclasses.MISSING, "Names the run's folder, runs/<name>-<time>.", fits_weights=True
    )
    classes: tuple[str, ...] = _data(
        (),
        "In the order of the model's outputs; [] takes them as found on disk.",
        fits_weights=True,
    )
    positive_class: str = _data(
        "",
        "Of two classes the one looked for: every metric is about it.",
        option=Option(name="positive", metavar="CLASS"),
    )
    patient_rules: tuple[str, ...] = _data(
        (),
        "Regular expressions, tried in turn on a file's name; the group named `patient` tells "
        "patients apart, who are never on both sides. []: not known.",
        option=Option(
            "How to read the patient from a file's name, its first group; or the word none. May "
            "be repeated; found out from the images unless given.",
            name="patients",
            metavar="REGEX",
        ),
    )
    columns: tuple[str, ...] = _data(
        (),
        "How a CSV of images names its columns, where not file, class, patient and split: "
        '["file=Image Index", "class=Label"]; "missing=-" says what stands for no value.',
        option=Option(
            "How a CSV names its columns, where not file, class, patient and split: "
            "'file=Image Index,class=Label'; and what stands for no value: 'missing=-', or "
            "'missing=' for blank cells only, where a class is called None. May be repeated.",
            metavar="COLUMN=NAME,…",
        ),
    )
    validation_fraction: float = _data(
        0.15, "Share of the patients on whom threshold and epoch are chosen.", Between(0.01, 0.5)
    )
    test_fraction: float = _data(
        0.15,
        "Share of the patients kept for the end; not used where a test part is on disk.",
        Between(0.01, 0.5),
    )
    region_width: float = _data(
        1.0,
        "The part in the middle of the picture that the label is about, as a fraction of the "
        "width; 1: all of it. Named, it is masked and swapped to see whether models look at it.",
        Between(0, 1, open_low=True),
        changes_views=True,
    )
    region_height: float = _data(
        1.0,
        "The same of the height; the two are named together.",
        Between(0, 1, open_low=True),
        changes_views=True,
    )
    on_bad_file: str = _data(
        "error",
        "error: stop and name the files; skip: leave them out and say so.",
        OneOf("error", "skip"),
    )
    backbone: str = _model(
        "efficientnet_lite0",
        "The network below the head; a name that is not known lists those that are. The weights "
        "of efficientnet_lite0 need no network.",
        option=Option("The network under the head."),
        fits_weights=True,
    )
    weights: str = _model(
        "imagenet",
        "imagenet, none (random), or the path of a weights file.",
        option=Option("Pretrained weights, random ones, or a file.", metavar="imagenet|none|PATH"),
        fits_weights=True,
    )
    layers: str = _model(
        "keras",
        "keras, or scratch: our layers with hand-derived gradients (the malaria networks).",
        OneOf("keras", "scratch"),
        option=Option("Keras's layers, or ours with hand-derived gradients (malaria_*)."),
        fits_weights=True,
    )
    tune: str = _model(
        "head",
        "head: only the last layer, in minutes; tail: the last blocks too; all: every weight.",
        OneOf("head", "tail", "all"),
        option=Option("Which part is trained."),
    )
    image_size: int = _model(
        224,
        "Pixels a side; images are resized to squares.",
        Between(8, 2048),
        option=Option("Pixels a side."),
    )
    dropout: float = _model(
        0.2,
        "Share of the features dropped before the head in training by steps.",
        Between(0, 0.95),
        used_by=uses.STEPS,
    )
    precision: str = _model(
        "float32",
        "What the network computes in: float32, bfloat16 or float16.",
        OneOf("float32", "bfloat16", "float16"),
        used_by=uses.STEPS,
        option=Option("What the network computes in."),
    )
    head_solver: str = _head(
        "exact",
        "exact: the optimum of logistic regression; sgd: by steps, as below.",
        OneOf("exact", "sgd"),
        used_by=uses.HEAD_ONLY,
    )
    l2: float = _head(
        0.0,
        "Strength of the penalty on the head's weights; 0: by cross-validation over patients.",
        Between(0, 1e6),
    )
    augmented_views: int = setting(
        0,
        "How many augmented copies of each image are computed once and kept: a solved head sees "
        "them all; with tune = tail each epoch shows the next one. 0: none.",
        Between(0, 64),
        section=metadata.AUGMENTATION,
        used_by=uses.VIEWS,
    )
    kept_activations: str = setting(
        "float16",
        "How the cache keeps what the frozen layers below a tail give: float16, or uint8 in half "
        "the room, with a scale for each channel of each image.",
        OneOf("float16", "uint8"),
        section=metadata.TRAINING,
        used_by=uses.TAIL,
    )
    feature_mixup: float = _head(
        0.0, "Alpha of Mixup between features; 0 turns it off.", Between(0, 100)
    )
    epochs: int = _steps(
        5, "How often each training image is seen.", Between(1, 100_000), option=Option()
    )
    batch_size: int = _steps(32, "Images a step.", Between(1, 65_536), option=Option())
    optimizer: str = _steps("adam", "adam, adamw or sgd.", OneOf("adam", "adamw", "sgd"))
    learning_rate: float = _steps(
        1e-3,
        "Of the head, and of whatever is not pretrained.",
        Between(0, 100, open_low=True),
        option=Option("Of the head; pretrained weights take a fraction of it."),
    )
    backbone_rate: float = _steps(
        0.1,
        "Pretrained weights learn at this fraction of the learning rate.",
        Between(0, 1, open_low=True),
    )
    weight_decay: float = _steps(0.0, "Of adamw.", Between(0, 1))
    schedule: str = _steps(
        "cosine",
        "cosine: down to nothing over the epochs; constant.",
        OneOf("cosine", "constant"),
    )
    warmup_epochs: float = _steps(
        0.0, "Epochs over which the learning rate rises from nothing.", Between(0, 1_000)
    )
    ema: float = _steps(
        0.0,
        "Momentum of an average of the weights over the steps, by which epochs are judged and "
        "which is kept; 0: the weights as they are; 0.99 averages about a hundred steps, but at "
        "most a tenth of them.",
        Between(0, 0.9999),
    )
    class_weights: str = _labels(
        "none",
        "balanced: classes weigh alike however many images they have; none.",
        OneOf("none", "balanced"),
    )
    label_smoothing: float = _labels(
        0.0, "Share of each label that is spread over all classes.", Between(0, 0.5)
    )
    mixup: float = _steps(
        0.0,
        "Alpha of Mixup between images; 0 turns it off; 0.2 is usual.",
        Between(0, 100),
        used_by=uses.MIXING,
        option=Option("Mixup's alpha; 0 turns it off."),
    )
    cutmix: float = _steps(
        0.0,
        "Alpha of CutMix, a rectangle of another image under labels mixed by area; 0 turns it off; "
        "1 is usual. With mixup too, each batch takes one of the two.",
        Between(0, 100),
        used_by=uses.MIXING,
    )
    mixup_per: str = _steps(
        "example",
        "Whether each example draws its own share, or the whole batch one.",
        OneOf("example", "batch"),
    )
    flip_horizontal: bool = _augmentation(False, "Mirror left and right at random.")
    flip_vertical: bool = _augmentation(False, "Mirror top and bottom at random.")
    rotation: float = _augmentation(0.0, "Turn by up to so many degrees.", Between(0, 180))
    zoom: float = _augmentation(0.0, "Enlarge or shrink by up to this fraction.", Between(0, 0.5))
    shift: float = _augmentation(0.0, "Move by up to this fraction of the side.", Between(0, 0.5))
    brightness: float = _augmentation(
        0.0, "Brighten or darken by up to this fraction.", Between(0, 0.9)
    )
    stretch: float = _augmentation(
        0.0, "Make wider or higher by up to this fraction, the area kept.", Between(0, 1)
    )
    shear: float = _augmentation(0.0, "Lean by up to so many degrees.", Between(0, 45))
    contrast: float = _augmentation(
        0.0, "Raise or lower the contrast by up to this fraction.", Between(0, 0.9)
    )
    gamma: float = _augmentation(
        0.0, "Brighten or darken the middle greys: exponents up to 1 + this.", Between(0, 3)
    )
    blur: float = _augmentation(
        0.0, "Blend with a copy at a quarter of the resolution, up to this share.", Between(0, 1)
    )
    equalize: float = _augmentation(
        0.0, "Blend with a copy of equalised histograms, up to this share.", Between(0, 1)
    )
    resolution: float = _augmentation(
        0.0,
        "Take up to this fraction off the resolution: shrink, and enlarge again. It hides how fine "
        "the originals were.",
        Between(0, 0.95),
    )
    noise: float = _augmentation(
        0.0, "Add Gaussian noise of up to this deviation, as a fraction of white.", Between(0, 0.5)
    )
    jpeg: int = _augmentation(
        0, "Compress as a JPEG of a quality from 95 down to this; 0 turns it off.", Between(0, 95)
    )
    erasing: float = _augmentation(0.0, "Probability that a rectangle is erased.", Between(0, 1))
    border_swap: float = _augmentation(
        0.0,
        "Probability that the region of an image is set into another training image, whatever its "
        "class: nothing can be learned from the border.",
        Between(0, 1),
    )
    patience: int = _steps(
        0,
        "Stop after so many epochs without a better validation AUC; 0: train them all.",
        Between(0, 100_000),
    )
    choose_on: str = _decision(
        "plain",
        "Which validation images choose the epoch and the threshold: plain; or stressed, the "
        "region of each in the border of an image of another class.",
        OneOf("plain", "stressed"),
        used_by=uses.STEPS,
    )
    # A solved head gains nothing from it that another split does not lose:
    # benchmarks/results/calibration.json
    calibration: str = _decision(
        "none",
        "How probabilities are made to mean what they say, on validation and before the "
        "threshold: temperature, platt (two classes) or none.",
        OneOf("none", "temperature", "platt"),
    )
    threshold_rule: str = _decision(
        "youden",
        "How the threshold is chosen on validation: youden (sensitivity plus specificity), "
        "accuracy, sensitivity or specificity (of at least threshold_target), costs.",
        OneOf("youden", "accuracy", "sensitivity", "specificity", "costs"),
    )
    threshold_target: float = _decision(
        0.95,
        "What sensitivity, or specificity, those two rules must reach.",
        Between(0, 1, open_low=True),
        used_by=uses.threshold_rule("sensitivity", "specificity"),
    )
    miss_cost: float = _decision(
        1.0,
        "For costs: how many false alarms are as bad as one missed positive image.",
        Between(0, 1e6, open_low=True),
        used_by=uses.threshold_rule("costs"),
    )
    abstain_rule: str = _decision(
        "coverage",
        "Which answers are marked as unsure, chosen on validation: the least sure ones, down to a "
        "coverage or to a risk; none. No decision changes by it.",
        OneOf("coverage", "risk", "none"),
    )
    abstain_coverage: float = _decision(
        0.9,
        "For coverage: share of validation images answered at least.",
        Between(0, 1, open_low=True),
        used_by=uses.abstain_rule("coverage"),
    )
    abstain_risk: float = _decision(
        0.05,
        "For risk: share of the answered ones that is decided wrongly at most.",
        Between(0, 0.99),
        used_by=uses.abstain_rule("risk"),
    )
    in_distribution_share: float = _decision(
        0.95,
        "Share of validation images that count as in distribution; farther ones are marked as out "
        "of it.",
        Between(0, 1, open_low=True),
    )
    seed: int = _decision(
        0,
        "Of split, order, augmentation and first weights.",
        Between(0, 2**31 - 1),
        option=Option("Of split, order, augmentation and weights."),
        changes_views=True,
    )

    def __post_init__(self) -> None:
        wanted = types_of(type(self))
        for name, about in settings_of(type(self)).items():
            value = typed(name, getattr(self, name), wanted[name])
            if about.limits is not None:
                about.limits.check(name, value)
            object.__setattr__(self, name, value)
        check_together(self)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes`; an unknown field is refused, naming the nearest one."""
        check_known(type(self), changes)
        return dataclasses.replace(self, **changes)

    @classmethod
    def parse_setting(cls, setting: str) -> tuple[str, Any]:
        """Return the field and the value of one `field=value`, the value written as in TOML.

        Quotes around a string may be left out, so `schedule=constant` works from a shell.
        """
        name, separator, text = setting.partition("=")
        name, text = name.strip(), text.strip()
        name = EARLIER_NAMES.get(name, name)
        if not separator or not name:
            raise RecipeError(f"A setting must read field=value. Received: {setting!r}")
        check_known(cls, [name])
        if types_of(cls)[name] is str and not text.startswith(("'", '"')):
            return name, text
        try:
            return name, tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            return name, text  # refused later, with the type that the field wants

    def as_dict(self) -> dict[str, Any]:
        """Return every field, tuples as lists, in the order of this class."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    def to_toml(self) -> str:
        """Return the recipe as TOML text with every field written out."""
        return "".join(f"{name} = {toml(value)}\n" for name, value in self.as_dict().items())

    @classmethod
    def from_toml(cls, text: str, *, source: str = "the recipe") -> Self:
        """Read a recipe from TOML text.

        Args:
            text: TOML, a flat table of fields.
            source: What to call it in an error, such as the path of the file.

        Raises:
            RecipeError: The text is not TOML, or a field is unknown, missing or out of range.
        """
        try:
            values = tomllib.loads(text)
        # Of nesting or digits without end it says something else than of wrong grammar.
        except (ValueError, RecursionError) as error:
            raise RecipeError(f"{source} is not valid TOML: {error}.") from error
        try:
            values = _by_present_names(values)
            check_known(cls, values)
            if "name" not in values:
                raise RecipeError("`name` is missing; add a line such as: name = 'my_task'")
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe from a TOML file."""
        try:
            text = given_path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"Cannot read the recipe {path}: {error}.") from error
        return cls.from_toml(text, source=str(path))

    @property
    def solves_head(self) -> bool:
        """Return whether only the head is fitted, and solved for rather than trained."""
        return self.tune == "head" and self.head_solver == "exact"

    @property
    def augments(self) -> bool:
        """Return whether training images are varied at all."""
        return any(getattr(self, name) for name in self._augmentations())

    def without_augmentation(self) -> Self:
        """Return a copy that varies no training image."""
        return self.replace(**{name: type(getattr(self, name))() for name in self._augmentations()})

    def _augmentations(self) -> list[str]:
        about = settings_of(type(self))
        varied = [name for name in about if about[name].section == metadata.AUGMENTATION]
        return [name for name in varied if name != "augmented_views"]

    @property
    def caches_trunk(self) -> bool:
        """Return whether the layers below the tail compute each image and view only once.

        They are frozen, so they can as long as the images are the same in every epoch.
        """
        return self.tune == "tail" and (self.augmented_views > 0 or not self.augments)

    def check_has_effect(self, names: Iterable[str]) -> None:
        """Refuse fields that somebody has set and that this recipe makes no use of.

        Raises:
            RecipeError: The first of them, and what would use it.
        """
        about = settings_of(type(self))
        for name in names:
            if (use := about[name].used_by) is not None:
                use.require(self, name)

    @property
    def swaps_borders(self) -> bool:
        """Return whether training or its validation sets regions into other images' borders."""
        return self.border_swap > 0 or self.choose_on == "stressed"

    @property
    def region(self) -> tuple[float, float] | None:
        """Width and height of the named region, as fractions of the picture; None for all of it."""
        if self.region_width < 1 and self.region_height < 1:
            return self.region_width, self.region_height
        return None

    @property
    def is_binary(self) -> bool:
        """Return whether there are two classes, one of which is the positive one."""
        return len(self.classes) == 2


def _by_present_names(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a recipe that may be older under the names that they have now.

    Raises:
        RecipeError: A field is there under both names.
    """
    for earlier, name in EARLIER_NAMES.items():
        if earlier in values and name in values:
            raise RecipeError(
                f"`{earlier}` is the earlier name of `{name}`; keep one of them. "
                f"Received: {earlier}={values[earlier]!r}, {name}={values[name]!r}"
            )
    return {EARLIER_NAMES.get(name, name): value for name, value in values.items()}
