"""Estimate the time of each stage of a training from a short measurement with its own images.

Each stage is timed by the function that the training calls, on a sample of its images, in a
temporary folder; the times of stages that grow with the images are scaled to all of them.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from dlmath import seeds
from dlmath.data import stressed as stressed_images
from dlmath.data.pipeline import steps_per_epoch, training_batches
from dlmath.data.pixels import MEMORY_LIMIT, load_pixels
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.drift.pictures import describe, describe_files
from dlmath.features import FrozenNetwork, View, load_features
from dlmath.inference.probabilities import predict_probabilities
from dlmath.linear_head import Mixing, fit_head
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT
from dlmath.runs import Run, write_json
from dlmath.training.devices import DeviceConfig
from dlmath.training.distances import MOST_IMAGES, features_of, write_ood_score
from dlmath.training.head_features import freeze_in, missing_features
from dlmath.training.loop import Callback, Loop, Position
from dlmath.training.model_files import write_light, write_model
from dlmath.training.optimizer import compile_for_training
from dlmath.training.preflight import Checked, TrainingJob
from dlmath.training.run_audit import write_audit
from dlmath.training.runner import COMPARED_IMAGES
from dlmath.training.training_data import TrainingData, load_images

_SAMPLE = 64  # images that are measured on
_STEPS = 6
_SOLVER_ROWS = 1_000
_MOST_ROWS = 10_000  # fitted in a second; the time of more rows is in proportion
_ROUNDS = 3
_RANK = 64  # of generated features, which are as correlated as a network's
# The cost of choosing the penalty, in fits at one penalty: 24 for 337 images of 1,280 features, and
# 9 for 4,450, where the folds share more of the work.
_FITS_OF_FEW_ROWS, _FITS_OF_MANY_ROWS = 24, 9
# After the last epoch the best model predicts the validation part twice: to calibrate, to decide.
_LAST_PREDICTIONS = 2
_DESCRIBING = "measure the light of validation images"


@dataclass(frozen=True)
class StageEstimate:
    """The time of one stage of a training.

    Attributes:
        name: The work, such as "read and resize".
        amount: The number of units.
        unit: The unit, such as images.
        seconds: The time that the whole stage would take, or took.
    """

    name: str
    amount: int
    unit: str
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """The stages of a training that is still to come.

    Attributes:
        stages: The stages, in order.
        kept: The stages that were done for the estimate, whose results are in the cache.
        arrays: The bytes of the arrays that the training makes, by name.
    """

    stages: tuple[StageEstimate, ...]
    kept: tuple[StageEstimate, ...]
    arrays: dict[str, int]


def estimate(job: TrainingJob, checked: Checked) -> Estimate:
    """Return the stages of a training that passed the checks.

    Features that are computed for the measurement stay in the cache.
    """
    prepared = job.prepared
    audited, found = len(checked.audit.examples), len(prepared.dataset.examples)
    with tempfile.TemporaryDirectory() as scratch:
        run = Run(Path(scratch, "run"))
        run.folder.mkdir()
        write_json(run.manifest_path, {})
        page = _seconds(lambda: write_audit(run, checked.audit))
        by_way = _head if prepared.recipe.solves_head else _steps
        with job.context.reporter.quietly():
            own = by_way(job, checked, run)
    before = (
        StageEstimate("read and split the data", found, "images", job.seconds),
        StageEstimate("write the page of the audit", audited, "images", page),
    )
    audit = StageEstimate("audit", audited, "images", checked.audit_seconds)
    return replace(own, stages=(*before, *own.stages), kept=(audit, *own.kept))


def _head(job: TrainingJob, checked: Checked, run: Run) -> Estimate:
    """Return the stages of solving for a head."""
    recipe, split, model = job.prepared.recipe, checked.split, checked.trainer.model
    converting = _seconds(lambda: freeze_in(job.context.device, model))
    # Once more, with the conversion in the cache, as the training has it.
    began = time.perf_counter()
    network = freeze_in(job.context.device, model)
    freezing = time.perf_counter() - began
    missing = missing_features(split, network, recipe)
    each = next((_seconds_of_a_row(e, network, view) for view, e in missing.items() if e), 0.0)
    count = _total(missing_features(split, network, recipe))
    done = _total(missing) - count
    rows, validated = len(split.train) * (1 + recipe.augmented_views), len(split.validation)
    sample = split.validation[:_SAMPLE]
    describing = _seconds(lambda: describe_files(sample, recipe.image_size, SILENT))
    pixels = load_pixels(sample[:COMPARED_IMAGES], recipe.image_size).array
    stages = (
        StageEstimate("build the network", 1, "network", checked.build_seconds + freezing),
        StageEstimate(
            "compute features that the cache does not have", count, "images", count * each
        ),
        StageEstimate(
            "solve for the head", rows, "rows", _solving(recipe, rows, network.feature_count)
        ),
        StageEstimate(_DESCRIBING, validated, "images", validated * describing / len(sample)),
        _writing(run, model, pixels, len(split.train), network.content),
    )
    kept = (
        StageEstimate("conversion of the network", 1, "network", max(0.0, converting - freezing)),
        StageEstimate("features", done, "images", done * each),
    )
    corrupted = min(stressed_images.MOST_IMAGES, validated)
    size = 4 * network.feature_count * (rows + validated + corrupted)
    return Estimate(stages, kept, {"features": size})


def _total(
    by_view: Mapping[View | stressed_images.Corruption | None, Sequence[ImageRecord]],
) -> int:
    return sum(len(examples) for examples in by_view.values())


def _seconds_of_a_row(
    examples: Sequence[ImageRecord],
    network: FrozenNetwork,
    view: View | stressed_images.Corruption | None,
) -> float:
    # The first batch of a thread prepares its interpreter, outside the clock.
    warm_up = network.threads * network.batch_size
    sample = examples[warm_up : warm_up + _SAMPLE] or examples
    load_features(examples[:warm_up], network, view=view)
    rate = load_features(sample, network, view=view).rate
    return 1 / rate if rate else 0.0


def _solving(recipe: Recipe, rows: int, width: int) -> float:
    """Time one fit on generated features of the same width, and return the seconds of all fits."""
    sample = min(rows, _SOLVER_ROWS)
    labels = np.arange(sample) % len(recipe.classes)
    features, targets = _generated(labels, width), np.eye(len(recipe.classes))[labels]
    weights, groups, alpha = np.ones(sample), np.arange(sample), recipe.feature_mixup
    mixing = Mixing(alpha, seed=recipe.seed) if alpha else None
    once = _least_seconds(
        lambda: fit_head(features, targets, weights, groups, l2=0.01, mixing=mixing), _ROUNDS
    )
    return solving_seconds(once, sample, rows, width, chooses=not recipe.l2)


def solving_seconds(once: float, sample: int, rows: int, width: int, *, chooses: bool) -> float:
    """Return the seconds to solve for a head, from the time of one fit to fewer rows.

    Args:
        once: The seconds of the measured fit.
        sample: The rows of the measured fit.
        rows: The rows of the head.
        width: The features of a row.
        chooses: Whether the penalty is chosen by cross-validation.
    """
    fits = _FITS_OF_FEW_ROWS if rows < width else _FITS_OF_MANY_ROWS
    return once * rows / sample * (fits if chooses else 1)


def _generated(labels: np.ndarray, width: int) -> np.ndarray:
    """Return features (N, width) that separate the labels (N,), about as those of a network."""
    draw = seeds.generator("estimate")
    factors = draw.normal(size=(len(labels), _RANK)) + labels[:, np.newaxis] / 8
    return np.maximum(factors @ draw.normal(size=(_RANK, width)), 0).astype(np.float32)


def _writing(
    run: Run, model: keras.Model, pixels: np.ndarray, rows: int, content: bytes | None = None
) -> StageEstimate:
    """Return the stage that writes the model, its light form, and the distance of strange images.

    Args:
        run: The run that gets the files.
        model: The untrained model, which is written as fast as a trained one.
        pixels: The images (M, S, S, 3) that the light form is compared on.
        rows: The number of training images that the distance is fitted to.
        content: The LiteRT file, where there is one already.
    """
    width = int(model.get_layer("logits").input.shape[-1])
    measured = min(rows, _MOST_ROWS)
    labels = np.arange(measured) % 2
    features = _generated(labels, width)

    def write() -> None:
        write_model(run, model)
        write_light(run, model, pixels, content)

    seconds = _seconds(write)
    fitting = _seconds(lambda: write_ood_score(run, features, labels, features, 1.0))
    fitting *= max(1.0, rows / measured)
    return StageEstimate("write the model and its light form", 1, "model", seconds + fitting)


def _steps(job: TrainingJob, checked: Checked, run: Run) -> Estimate:
    """Return the stages of training by steps."""
    recipe, split, model = job.prepared.recipe, checked.split, checked.trainer.model
    steps, epochs = steps_per_epoch(len(split.train), recipe.batch_size), recipe.epochs
    trained, validated = len(split.train), len(split.validation)
    sample = Split(
        _some_of_each_class(split.train, _STEPS * recipe.batch_size),
        _some_of_each_class(split.validation, _SAMPLE),
        test=(),
    )
    loaded = load_images(replace(job.prepared, split=sample), SILENT)
    began = time.perf_counter()
    step = _time_of_steps(model, loaded, recipe, job.context.device, steps)
    tracing = time.perf_counter() - began
    reading = _seconds(lambda: load_pixels(sample.train, recipe.image_size)) / len(sample.train)
    pixels = loaded.validation.pixels.array
    predicting = _least_seconds(lambda: predict_probabilities(model, pixels), 1) / len(pixels)
    describing = _seconds(lambda: describe(pixels)) / len(pixels)
    sampled = min(MOST_IMAGES, trained)
    writing = _writing(run, model, pixels[:COMPARED_IMAGES], sampled)
    compute = features_of(run, model, is_light=run.light_network_path.is_file())
    feature = _least_seconds(lambda: compute(pixels), 1) / len(pixels)
    kinds = 1 if recipe.region is None else 2  # of stressed images: corrupted, and composites
    stressed = kinds * min(stressed_images.MOST_IMAGES, validated)
    images = trained + validated
    predictions = (epochs + _LAST_PREDICTIONS) * validated + epochs * stressed
    features = sampled + validated
    stages = (
        StageEstimate(
            "build the model and trace a step", 1, "model", checked.build_seconds + tracing
        ),
        StageEstimate("read and resize", images, "images", images * reading),
        StageEstimate("train", epochs * steps, "steps", epochs * steps * step),
        StageEstimate(
            "predict the validation part", predictions, "images", predictions * predicting
        ),
        StageEstimate(
            "compute features that tell strange images", features, "images", features * feature
        ),
        StageEstimate(_DESCRIBING, validated, "images", validated * describing),
        writing,
    )
    size = 3 * images * recipe.image_size**2
    return Estimate(stages, (), {"pixels" if size <= MEMORY_LIMIT else "pixels_on_disk": size})


def _time_of_steps(
    classifier: keras.Model, loaded: TrainingData, recipe: Recipe, device: DeviceConfig, steps: int
) -> float:
    """Run some steps of the training loop, and return the seconds of one.

    Args:
        classifier: The untrained model, whose weights change.
        loaded: The images of the sample.
        recipe: The recipe.
        device: The device and its strategy.
        steps: The steps of an epoch of the whole training.
    """
    train = loaded.train
    one_hot = train.one_hot(len(recipe.classes))
    with device.strategy.scope():
        model = compile_for_training(classifier, recipe, steps)
    measured = steps_per_epoch(len(one_hot), recipe.batch_size)
    clock = _Clock()
    Loop(
        model=model,
        batches=lambda epoch, _: training_batches(train.pixels.array, one_hot, recipe, epoch=epoch),
        epochs=-(-_STEPS // measured),
        steps=measured,
        callbacks=[clock],
        strategy=device.strategy,
    ).run()
    # The first step traces the graph; the median ignores another step that had to wait.
    return float(np.median(np.diff(clock.times)))


class _Clock(Callback):
    """Records when each step was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, position: Position, loss: Callable[[], float]) -> None:
        loss()  # waits for the device
        self.times.append(time.perf_counter())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _least_seconds(work: Callable[[], object], rounds: int) -> float:
    """Return the least time of several rounds, after one that is not timed.

    The first round of a library prepares its threads, and another program may disturb any.
    """
    work()
    return min(_seconds(work) for _ in range(rounds))


def _some_of_each_class(examples: Sequence[ImageRecord], count: int) -> tuple[ImageRecord, ...]:
    """Return up to `count` examples, the classes in turn."""
    turns: dict[str, int] = {}
    numbered = []
    for example in examples:
        turns[example.label] = turns.get(example.label, -1) + 1
        numbered.append((turns[example.label], example.label, example))
    return tuple(example for *_, example in sorted(numbered, key=lambda one: one[:2])[:count])
