"""How long the parts of a training would take, from a short measurement with its own images."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlmath import seeds
from dlmath.convex import fit_head
from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.data.pixels import MEMORY_LIMIT, load_pixels
from dlmath.data.sources import Example
from dlmath.data.splits import Split
from dlmath.evaluation.probabilities import predict_probabilities
from dlmath.features import FrozenNetwork, View, load_features
from dlmath.features.extract import not_in_cache
from dlmath.recipe import Recipe
from dlmath.reporting import Reporter
from dlmath.training import solved_head
from dlmath.training.devices import Placement
from dlmath.training.ingredients import Ingredients, gather
from dlmath.training.loop import Callback, Loop, Position
from dlmath.training.prepare import Prepared
from dlmath.training.solver import compile_for_training

_SAMPLE = 64  # images that are measured on
_STEPS = 6
_SOLVER_ROWS = 1_000
_RANK = 64  # of generated features, which are as correlated as a network's
# What choosing the penalty costs, in fits at one penalty: 24 for 337 images of 1,280 features, and
# 9 for 4,450, where the folds share more of the work.
_FITS_OF_FEW_ROWS, _FITS_OF_MANY_ROWS = 24, 9


@dataclass(frozen=True)
class Stage:
    """One part of the work.

    Attributes:
        name: What is done.
        amount: How often.
        unit: Such as images.
        seconds: How long all of it would take.
    """

    name: str
    amount: int
    unit: str
    seconds: float


Estimate = tuple[tuple[Stage, ...], dict[str, int]]


def estimate_head(prepared: Prepared, placement: Placement, reporter: Reporter) -> Estimate:
    """Return the stages of solving for a head, and the bytes of the arrays that it makes.

    Features that are computed for the measurement stay in the cache.
    """
    recipe, split = prepared.recipe, prepared.split
    began = time.perf_counter()
    _, network = solved_head.build_frozen(recipe, placement, reporter)
    set_up = time.perf_counter() - began
    views = [None, *(View(recipe, number) for number in range(1, recipe.augmented_views + 1))]
    missing = {view: not_in_cache(split.train, network, view) for view in views}
    missing[None] += not_in_cache(split.validation, network)
    count = sum(len(examples) for examples in missing.values())
    each = next((_seconds_of_a_row(e, network, view) for view, e in missing.items() if e), 0.0)
    rows = len(split.train) * len(views)
    stages = (
        Stage("build and convert the network", 1, "network", set_up),
        Stage("compute features that the cache does not have", count, "images", count * each),
        Stage("solve for the head", rows, "rows", _solving(recipe, rows, network.feature_count)),
    )
    return stages, {"features": 4 * network.feature_count * (rows + len(split.validation))}


def _seconds_of_a_row(
    examples: Sequence[Example], network: FrozenNetwork, view: View | None
) -> float:
    # The first batch of a thread prepares its interpreter, outside the clock.
    warm_up = network.threads * network.batch_size
    sample = examples[warm_up : warm_up + _SAMPLE] or examples
    load_features(examples[:warm_up], network, view=view, on_bad_file="skip")
    rate = load_features(sample, network, view=view, on_bad_file="skip").rate
    return 1 / rate if rate else 0.0


def _solving(recipe: Recipe, rows: int, width: int) -> float:
    """Time one fit on generated features of the same width, and return the seconds of all fits."""
    sample = min(rows, _SOLVER_ROWS)
    labels = np.arange(sample) % len(recipe.classes)
    draw = seeds.generator("estimate")
    factors = draw.normal(size=(sample, _RANK)) + labels[:, np.newaxis] / 8
    features = np.maximum(factors @ draw.normal(size=(_RANK, width)), 0).astype(np.float32)
    targets = np.eye(len(recipe.classes))[labels]
    once = _seconds(
        lambda: fit_head(features, targets, np.ones(sample), np.arange(sample), l2=0.01)
    )
    fits = _FITS_OF_FEW_ROWS if rows < width else _FITS_OF_MANY_ROWS
    return once * rows / sample * (1 if recipe.l2 else fits)


def estimate_steps(prepared: Prepared, placement: Placement, reporter: Reporter) -> Estimate:
    """Return the stages of training by steps, and the bytes of the arrays that it makes."""
    recipe, split = prepared.recipe, prepared.split
    steps = steps_per_epoch(len(split.train), recipe.batch_size)
    images, validated = len(split.train) + len(split.validation), len(split.validation)
    sample = Split(
        _some_of_each_class(split.train, _STEPS * recipe.batch_size),
        _some_of_each_class(split.validation, _SAMPLE),
        test=(),
    )
    began = time.perf_counter()
    ingredients = gather(replace(prepared, split=sample), placement, reporter)
    step = _time_of_steps(ingredients, placement, steps)
    set_up = time.perf_counter() - began
    reading = _seconds(lambda: load_pixels(sample.train, recipe.image_size, on_bad_file="skip"))
    pixels = ingredients.validation.pixels.array
    predict_probabilities(ingredients.model, pixels)  # traces
    predicting = _seconds(lambda: predict_probabilities(ingredients.model, pixels))
    epochs = recipe.epochs
    stages = (
        Stage("build the model and trace a step", 1, "model", set_up),
        Stage("read and resize", images, "images", images * reading / len(sample.train)),
        Stage("train", epochs * steps, "steps", epochs * steps * step),
        Stage(
            "predict the validation part after each epoch",
            epochs * validated,
            "images",
            epochs * validated * predicting / len(pixels),
        ),
    )
    size = 3 * images * recipe.image_size**2
    return stages, {"pixels" if size <= MEMORY_LIMIT else "pixels_on_disk": size}


def _time_of_steps(ingredients: Ingredients, placement: Placement, steps: int) -> float:
    """Run some steps of the training loop, of `steps` an epoch, and return the seconds of one."""
    recipe, train = ingredients.recipe, ingredients.train
    one_hot = train.one_hot(len(recipe.classes))
    with placement.strategy.scope():
        model = compile_for_training(ingredients.model, recipe, steps)
    measured = steps_per_epoch(len(one_hot), recipe.batch_size)
    clock = _Clock()
    Loop(
        model=model,
        batches=lambda epoch, _: training_batches(train.pixels.array, one_hot, recipe, epoch=epoch),
        epochs=-(-_STEPS // measured),
        steps=measured,
        callbacks=[clock],
        strategy=placement.strategy,
    ).run()
    # The first step traces, and the median forgives another that waited for something.
    return float(np.median(np.diff(clock.times)))


class _Clock(Callback):
    """Notes when each step was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        loss()  # waits for the device
        self.times.append(time.perf_counter())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _some_of_each_class(examples: Sequence[Example], count: int) -> tuple[Example, ...]:
    """Return up to `count` examples, those of each class in turn."""
    turns: dict[str, int] = {}
    numbered = []
    for example in examples:
        turns[example.label] = turns.get(example.label, -1) + 1
        numbered.append((turns[example.label], example.label, example))
    return tuple(example for *_, example in sorted(numbered, key=lambda one: one[:2])[:count])
