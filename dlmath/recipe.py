"""A recipe: everything that decides the result of a run, in one frozen value.

It reads from TOML and writes to TOML with every default written out, so that a run says
what made it. Where the data lies and on which device it ran are in the manifest instead.
"""

import dataclasses
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from dlmath.errors import RecipeError, did_you_mean

RECIPE_VERSION = 1


def _between(low: float, high: float = math.inf, *, open_low: bool = False) -> dict[str, Any]:
    return {"low": low, "high": high, "open_low": open_low}


def _one_of(*choices: str) -> dict[str, Any]:
    return {"choices": choices}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of one training run.

    Fields with a range or a list of choices are checked on construction. Fractions are of
    patients, angles in degrees, shifts and zooms fractions of the image's side.

    Raises:
        RecipeError: A field has the wrong type or lies outside its range.
    """

    recipe_version: int = field(default=RECIPE_VERSION, metadata=_between(1, RECIPE_VERSION))
    name: str
    # What the data are.
    classes: tuple[str, ...] = ()  # in the order of the model's outputs; empty: as found on disk
    positive_class: str = ""  # binary tasks: every metric is about this class
    patient_rules: tuple[str, ...] = ()  # regular expressions with a group named `patient`
    validation_fraction: float = field(default=0.15, metadata=_between(0.01, 0.5))
    test_fraction: float = field(default=0.15, metadata=_between(0.01, 0.5))
    on_bad_file: str = field(default="error", metadata=_one_of("error", "skip"))
    # What the model is.
    backbone: str = "efficientnet_lite0"  # a name in dlmath.models.BACKBONES
    weights: str = "imagenet"  # imagenet, none, or the path of a weights file
    layers: str = field(default="keras", metadata=_one_of("keras", "scratch"))
    tune: str = field(default="head", metadata=_one_of("head", "tail", "all"))
    image_size: int = field(default=224, metadata=_between(8, 2048))
    dropout: float = field(default=0.2, metadata=_between(0, 0.95))
    precision: str = field(default="float32", metadata=_one_of("float32", "bfloat16", "float16"))
    # How the head is fitted where it alone is (tune = "head"): solved exactly on features that are
    # computed once, or trained by steps as everything else is.
    head_solver: str = field(default="exact", metadata=_one_of("exact", "sgd"))
    l2: float = field(default=0.0, metadata=_between(0, 1e6))  # 0: chosen by cross-validation
    augmented_views: int = field(default=0, metadata=_between(0, 64))  # of each training image
    feature_mixup: float = field(default=0.0, metadata=_between(0, 100))  # alpha; 0 turns it off
    # How it is trained.
    epochs: int = field(default=5, metadata=_between(1, 100_000))
    batch_size: int = field(default=32, metadata=_between(1, 65_536))
    optimizer: str = field(default="adam", metadata=_one_of("adam", "adamw", "sgd"))
    learning_rate: float = field(default=1e-3, metadata=_between(0, 100, open_low=True))
    # Of the learning rate, for pretrained weights below the head.
    backbone_rate: float = field(default=0.1, metadata=_between(0, 1, open_low=True))
    weight_decay: float = field(default=0.0, metadata=_between(0, 1))  # adamw only
    schedule: str = field(default="cosine", metadata=_one_of("cosine", "constant"))
    warmup_epochs: float = field(default=0.0, metadata=_between(0, 1_000))
    ema: float = field(default=0.0, metadata=_between(0, 0.9999))  # 0: the weights as they are
    class_weights: str = field(default="none", metadata=_one_of("none", "balanced"))
    label_smoothing: float = field(default=0.0, metadata=_between(0, 0.5))
    mixup: float = field(default=0.0, metadata=_between(0, 100))  # alpha; 0 turns it off
    mixup_per: str = field(default="example", metadata=_one_of("example", "batch"))
    flip_horizontal: bool = False
    flip_vertical: bool = False
    rotation: float = field(default=0.0, metadata=_between(0, 180))
    zoom: float = field(default=0.0, metadata=_between(0, 0.5))
    shift: float = field(default=0.0, metadata=_between(0, 0.5))
    brightness: float = field(default=0.0, metadata=_between(0, 0.9))
    patience: int = field(default=0, metadata=_between(0, 100_000))  # epochs; 0: train them all
    # What is decided with it.
    # A solved head gains nothing from it that another split does not lose:
    # benchmarks/results/calibration.json
    calibration: str = field(default="none", metadata=_one_of("none", "temperature", "platt"))
    threshold_rule: str = field(
        default="youden",
        metadata=_one_of("youden", "accuracy", "sensitivity", "specificity", "costs"),
    )
    # At least so much of what the rule names, sensitivity or specificity.
    threshold_target: float = field(default=0.95, metadata=_between(0, 1, open_low=True))
    # Rule `costs`: how many false alarms are as bad as one missed positive image.
    miss_cost: float = field(default=1.0, metadata=_between(0, 1e6, open_low=True))
    # Which answers are marked as not to be relied on: no decision and no metric changes by it.
    abstain_rule: str = field(default="coverage", metadata=_one_of("coverage", "risk", "none"))
    # Of the validation images, the share that is answered at least.
    abstain_coverage: float = field(default=0.9, metadata=_between(0, 1, open_low=True))
    # Of the validation images that are answered, the share decided wrongly at most.
    abstain_risk: float = field(default=0.05, metadata=_between(0, 0.99))
    # Of the validation images; those farther from the training images are called unusual.
    usual_share: float = field(default=0.95, metadata=_between(0, 1, open_low=True))
    seed: int = field(default=0, metadata=_between(0, 2**31 - 1))

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            value = _checked(spec, getattr(self, spec.name))
            object.__setattr__(self, spec.name, value)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise RecipeError(
                "`name` must begin with a letter or digit and hold only letters, digits, "
                f"dots, dashes and underscores. Received: name={self.name!r}"
            )
        self._check_classes()
        self._check_patient_rules()
        self._check_calibration()
        if self.weight_decay and self.optimizer != "adamw":
            raise RecipeError(
                "`weight_decay` needs optimizer = 'adamw'. "
                f"Received: weight_decay={self.weight_decay}, optimizer={self.optimizer!r}"
            )

    def _check_classes(self) -> None:
        if self.classes and len(self.classes) < 2:
            raise RecipeError(
                f"`classes` must name at least two classes. Received: classes={list(self.classes)}"
            )
        folded = [name.casefold() for name in self.classes]
        if len(set(folded)) < len(folded):
            raise RecipeError(
                "`classes` must differ by more than upper and lower case. "
                f"Received: classes={list(self.classes)}"
            )
        if self.positive_class and self.classes and self.positive_class not in self.classes:
            raise RecipeError(
                f"`positive_class` must be one of {list(self.classes)}."
                f"{did_you_mean(self.positive_class, self.classes)} "
                f"Received: positive_class={self.positive_class!r}"
            )

    def _check_calibration(self) -> None:
        if self.calibration == "platt" and len(self.classes) > 2:
            raise RecipeError(
                "Platt scaling is for two classes. Received: calibration='platt' for "
                f"{len(self.classes)} classes. Pass calibration = 'temperature'."
            )

    def _check_patient_rules(self) -> None:
        for rule in self.patient_rules:
            try:
                groups = re.compile(rule).groupindex
            except (re.error, OverflowError, RecursionError) as error:
                raise RecipeError(
                    f"`patient_rules` must hold regular expressions: {error}. Received: {rule!r}"
                ) from error
            if "patient" not in groups:
                raise RecipeError(
                    f"Each of `patient_rules` must hold a group (?P<patient>…). Received: {rule!r}"
                )

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes`; an unknown field is refused, naming the nearest one."""
        _refuse_unknown(changes)
        return dataclasses.replace(self, **changes)

    @staticmethod
    def parse_setting(setting: str) -> tuple[str, Any]:
        """Return the field and the value of one `field=value`, the value written as in TOML.

        Quotes around a string may be left out, so `schedule=constant` works from a shell.
        """
        name, separator, text = setting.partition("=")
        name, text = name.strip(), text.strip()
        if not separator or not name:
            raise RecipeError(f"A setting must read field=value. Received: {setting!r}")
        _refuse_unknown({name: text})
        if _TYPES[name] is str and not text.startswith(("'", '"')):
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
        return "".join(f"{name} = {_toml(value)}\n" for name, value in self.as_dict().items())

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
            _refuse_unknown(values)
            if "name" not in values:
                raise RecipeError("`name` is missing; add a line such as: name = 'my_task'")
            return cls(**values)
        except RecipeError as error:
            raise RecipeError(f"{source}: {error}") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe from a TOML file."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"Cannot read the recipe {path}: {error}.") from error
        return cls.from_toml(text, source=str(path))

    @property
    def solves_head(self) -> bool:
        """Whether the head is all that is fitted, and is solved for rather than trained."""
        return self.tune == "head" and self.head_solver == "exact"

    def refuse_without_effect(self, names: Iterable[str]) -> None:
        """Refuse fields that somebody has set and that this recipe makes no use of.

        Raises:
            RecipeError: Which, and what would use it.
        """
        names = list(names)
        if "head_solver" in names and self.tune != "head":
            raise RecipeError(
                "`head_solver` says how the head is fitted where it alone is. Received: "
                f"head_solver={self.head_solver!r}, tune={self.tune!r}. Pass --tune head too."
            )
        for name in names:
            if name in THRESHOLD_FIELDS and self.threshold_rule not in THRESHOLD_FIELDS[name]:
                raise RecipeError(
                    f"`{name}` belongs to another threshold rule. Received: "
                    f"{name}={getattr(self, name)!r}, threshold_rule={self.threshold_rule!r}. Add "
                    f"--set threshold_rule={THRESHOLD_FIELDS[name][0]}"
                )
            if name in ABSTAIN_FIELDS and self.abstain_rule != ABSTAIN_FIELDS[name]:
                raise RecipeError(
                    f"`{name}` belongs to another rule of abstaining. Received: "
                    f"{name}={getattr(self, name)!r}, abstain_rule={self.abstain_rule!r}. Add "
                    f"--set abstain_rule={ABSTAIN_FIELDS[name]}"
                )
        unused = SGD_FIELDS if self.solves_head else EXACT_FIELDS
        if self.solves_head and not self.augmented_views:
            unused = (*unused, *AUGMENTATION_FIELDS)
        for name in names:
            if name in unused:
                raise RecipeError(self._why_without_effect(name))

    def _why_without_effect(self, name: str) -> str:
        received = f"Received: {name}={getattr(self, name)!r}."
        if name in EXACT_FIELDS:
            return (
                f"`{name}` belongs to a head that is solved exactly. {received} Pass --tune head "
                "with it, and not head_solver=sgd."
            )
        if name in AUGMENTATION_FIELDS:
            return (
                f"A head that is solved exactly sees augmented images only as further views. "
                f"{received} Add --set augmented_views=4, or train it: --set head_solver=sgd"
            )
        if name == "mixup":
            return (
                f"A head that is solved exactly mixes features, not images. {received} Pass "
                "--set feature_mixup=0.2, or train the head by steps: --set head_solver=sgd"
            )
        return (
            f"A head that is solved exactly makes no use of `{name}`. {received} Leave it out, or "
            "train the head by steps: --set head_solver=sgd"
        )

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, one of which is the positive one."""
        return len(self.classes) == 2


# What a head that is solved exactly makes no use of, and what nothing else uses.
SGD_FIELDS = (
    "precision",
    "dropout",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "backbone_rate",
    "weight_decay",
    "schedule",
    "warmup_epochs",
    "ema",
    "mixup",
    "mixup_per",
    "patience",
)
EXACT_FIELDS = ("l2", "augmented_views", "feature_mixup")
# What belongs to some threshold rules alone.
THRESHOLD_FIELDS = {
    "threshold_target": ("sensitivity", "specificity"),
    "miss_cost": ("costs",),
}
# What belongs to one rule of abstaining.
ABSTAIN_FIELDS = {"abstain_coverage": "coverage", "abstain_risk": "risk"}
AUGMENTATION_FIELDS = (
    "flip_horizontal",
    "flip_vertical",
    "rotation",
    "zoom",
    "shift",
    "brightness",
)

_FIELDS = {spec.name: spec for spec in dataclasses.fields(Recipe)}
_TYPES = typing.get_type_hints(Recipe)


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in _FIELDS:
            raise RecipeError(
                f"A recipe has no field {name!r}.{did_you_mean(name, _FIELDS)} "
                f"The fields are: {', '.join(_FIELDS)}."
            )


def _checked(spec: dataclasses.Field, value: Any) -> Any:
    value = _typed(spec.name, value)
    rule = spec.metadata
    if "choices" in rule and value not in rule["choices"]:
        raise RecipeError(
            f"`{spec.name}` must be one of {', '.join(rule['choices'])}."
            f"{did_you_mean(str(value), rule['choices'])} Received: {spec.name}={value!r}"
        )
    if "low" in rule:
        above = value > rule["low"] if rule["open_low"] else value >= rule["low"]
        if not (above and value <= rule["high"]):  # written so that nan fails
            low = f"above {_figure(rule['low'])}"
            if not rule["open_low"]:
                low = f"at least {_figure(rule['low'])}"
            high = f" and at most {_figure(rule['high'])}" if math.isfinite(rule["high"]) else ""
            raise RecipeError(f"`{spec.name}` must be {low}{high}. Received: {spec.name}={value!r}")
    return value


def _figure(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


def _typed(name: str, value: Any) -> Any:
    """Return `value` as the field's type, or refuse it: 1 passes for 1.0, "1" and True do not."""
    wanted = _TYPES[name]
    if isinstance(wanted, types.GenericAlias):  # tuple[str, ...]
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif type(value) is wanted:
        return value
    described = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    kind = described.get(wanted, "a list of texts")
    raise RecipeError(f"`{name}` must be {kind}. Received: {name}={value!r}")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return repr(value)
