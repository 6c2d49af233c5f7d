"""Estimate the time of each stage of a training from a short measurement with its own images.

Each stage is timed by the function that the training calls, on a sample of its images, in a
temporary folder; the times of stages that grow with the images are scaled to all of them.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from dlmath import seeds
from dlmath.data import stressed as stressed_images
from dlmath.data.pipeline import steps_per_epoch
from dlmath.data.pixels import MEMORY_LIMIT, load_pixels
from dlmath.data.sources import ImageRecord
from dlmath.data.splits import Split
from dlmath.drift.pictures import describe, describe_files
from dlmath.features import FrozenNetwork, View, load_features, store_features
from dlmath.features.store import StoredRows
from dlmath.inference.ood_fit import fit_ood_score
from dlmath.inference.probabilities import predict_probabilities
from dlmath.linear_head import Mixing, fit_head
from dlmath.models.tail_model import split_at_tail
from dlmath.recipe import Recipe
from dlmath.reporting import SILENT
from dlmath.runs import Run, write_json
from dlmath.training.distances import MOST_IMAGES, features_of, write_ood_score
from dlmath.training.head_features import freeze_in, missing_head_features
from dlmath.training.head_trainer import HeadTrainer
from dlmath.training.model_files import write_light, write_model
from dlmath.training.optimizer import compile_for_training, compile_logits
from dlmath.training.preflight import Checked, TrainingJob
from dlmath.training.run_audit import write_audit
from dlmath.training.runner import COMPARED_IMAGES
from dlmath.training.stage_timing import STEPS, least_seconds_of, seconds_of, time_of_steps
from dlmath.training.step_trainer import StepTrainer
from dlmath.training.tail_features import freeze_trunk, missing_activations, tail_views
from dlmath.training.tail_trainer import TailTrainer
from dlmath.training.trainer import trainer_type
from dlmath.training.training_data import load_images

_SAMPLE = 64  # images that are measured on
_SOLVER_ROWS = 1_000
_MOST_ROWS = 10_000  # fitted in a second; the time of more rows is in proportion
_ROUNDS = 3
_RANK = 64  # of generated features, which are as correlated as a network's
# The cost of choosing the penalty, in fits at one penalty: 5 to 6 for 105 to 413 images of 1,280
# features in 2 to 15 classes, which are solved in the space of the rows, and 9 for 4,450.
_FITS_OF_FEW_ROWS, _FITS_OF_MANY_ROWS = 6, 9
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
        page = seconds_of(lambda: write_audit(run, checked.audit))
        stages_of = {HeadTrainer: _head, TailTrainer: _tail, StepTrainer: _steps}
        by_way = stages_of[trainer_type(prepared.recipe)]
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
    converting = seconds_of(lambda: freeze_in(job.context.device, model))
    # Once more, with the conversion in the cache, as the training has it.
    began = time.perf_counter()
    network = freeze_in(job.context.device, model)
    freezing = time.perf_counter() - began
    missing = missing_head_features(split, network, recipe)
    each = next((_seconds_of_a_row(e, network, view) for view, e in missing.items() if e), 0.0)
    count = _total(missing_head_features(split, network, recipe))
    done = _total(missing) - count
    rows, validated = len(split.train) * (1 + recipe.augmented_views), len(split.validation)
    sample = split.validation[:_SAMPLE]
    describing = seconds_of(lambda: describe_files(sample, recipe.image_size, SILENT))
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
    # Fewer rows than features are solved in another way, so the sample must not be fewer by itself.
    sample = min(rows, max(_SOLVER_ROWS, width))
    labels = np.arange(sample) % len(recipe.classes)
    features, targets = _generated(labels, width), np.eye(len(recipe.classes))[labels]
    weights, groups, alpha = np.ones(sample), np.arange(sample), recipe.feature_mixup
    mixing = Mixing(alpha, seed=recipe.seed) if alpha else None
    once = least_seconds_of(
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

    seconds = seconds_of(write)

    def fit() -> None:
        write_ood_score(run, fit_ood_score(features, labels), measured, features, 1.0)

    fitting = seconds_of(fit)
    fitting *= max(1.0, rows / measured)
    return StageEstimate("write the model and its light form", 1, "model", seconds + fitting)


def _steps(job: TrainingJob, checked: Checked, run: Run) -> Estimate:
    """Return the stages of training by steps."""
    recipe, split, model = job.prepared.recipe, checked.split, checked.trainer.model
    steps, epochs = steps_per_epoch(len(split.train), recipe.batch_size), recipe.epochs
    trained, validated = len(split.train), len(split.validation)
    sample = _sample(split, recipe)
    loaded = load_images(replace(job.prepared, split=sample), SILENT)
    train = loaded.train
    began = time.perf_counter()
    with job.context.device.strategy.scope():
        compiled = compile_for_training(model, recipe, steps)
    step = time_of_steps(compiled, train.pixels.array, train.labels, recipe, job.context.device)
    tracing = time.perf_counter() - began
    reading = seconds_of(lambda: load_pixels(sample.train, recipe.image_size)) / len(sample.train)
    pixels = loaded.validation.pixels.array
    predicting = least_seconds_of(lambda: predict_probabilities(model, pixels), 1) / len(pixels)
    images = trained + validated
    predictions = (epochs + _LAST_PREDICTIONS) * validated + epochs * _stressed(recipe, validated)
    stages = (
        StageEstimate(
            "build the model and trace a step", 1, "model", checked.build_seconds + tracing
        ),
        StageEstimate("read and resize", images, "images", images * reading),
        StageEstimate("train", epochs * steps, "steps", epochs * steps * step),
        StageEstimate(
            "predict the validation part", predictions, "images", predictions * predicting
        ),
        *_ending(run, model, pixels, split),
    )
    size = 3 * images * recipe.image_size**2
    return Estimate(stages, (), {"pixels" if size <= MEMORY_LIMIT else "pixels_on_disk": size})


def _stressed(recipe: Recipe, validated: int) -> int:
    """Return the number of stressed images: corrupted, and composites where a region is named."""
    kinds = 1 if recipe.region is None else 2
    return kinds * min(stressed_images.MOST_IMAGES, validated)


def _tail(job: TrainingJob, checked: Checked, run: Run) -> Estimate:
    """Return the stages of training a tail on cached activations."""
    recipe, split, model = job.prepared.recipe, checked.split, checked.trainer.model
    device, parts = job.context.device, split_at_tail(model, recipe)
    steps, epochs = steps_per_epoch(len(split.train), recipe.batch_size), recipe.epochs
    validated = len(split.validation)
    freezing = seconds_of(lambda: freeze_trunk(parts, device, recipe))
    network = freeze_trunk(parts, device, recipe)
    views = tail_views(recipe, split.train)
    missing = missing_activations(split, network, recipe, SILENT)
    each = next((_seconds_of_a_row(e, network, view) for view, e in missing.items() if e), 0.0)
    rows = _repeated(split, network, views[0], min(len(split.train), STEPS * recipe.batch_size))
    count = _total(missing_activations(split, network, recipe, SILENT))
    done = _total(missing) - count
    activations = rows.reshaped(parts.tail.input_shape[1:])
    began = time.perf_counter()
    with device.strategy.scope():
        compiled = compile_logits(parts.logits, recipe, steps)
    labels = np.arange(len(rows)) % len(recipe.classes)
    step = time_of_steps(compiled, activations, labels, recipe, device)
    tracing = time.perf_counter() - began
    sample = split.validation[:_SAMPLE]
    began = time.perf_counter()
    pixels = load_pixels(sample, recipe.image_size).array
    reading = (time.perf_counter() - began) / len(sample)
    on_tail = least_seconds_of(lambda: predict_probabilities(parts.tail, activations), 1) / len(
        rows
    )
    whole = least_seconds_of(lambda: predict_probabilities(model, pixels), 1) / len(pixels)
    building = checked.build_seconds + freezing + tracing
    last, stressed = _LAST_PREDICTIONS * validated, _stressed(recipe, validated)
    stages = (
        StageEstimate("build the model and trace a step", 1, "model", building),
        StageEstimate(
            "compute activations that the cache does not have",
            count + stressed,
            "images",
            (count + stressed) * each,
        ),
        StageEstimate("read and resize", validated, "images", validated * reading),
        StageEstimate("train", epochs * steps, "steps", epochs * steps * step),
        StageEstimate(
            "predict the validation part",
            epochs * (validated + stressed) + last,
            "images",
            epochs * (validated + stressed) * on_tail + last * whole,
        ),
        *_ending(run, model, pixels, split),
    )
    kept = (StageEstimate("activations", done, "images", done * each),)
    size = network.store.row_bytes * (len(views) * len(split.train) + validated)
    arrays = {"activations_on_disk": size, "pixels": 3 * validated * recipe.image_size**2}
    return Estimate(stages, kept, arrays)


def _repeated(split: Split, network: FrozenNetwork, view: View | None, count: int) -> StoredRows:
    """Return activations of some training images, repeated to as many rows as are asked for."""
    few = network.threads * network.batch_size
    rows = store_features(split.train[:few], network, view=view, on_bad_file="skip").array
    return replace(rows, places=np.resize(rows.places, (count, 2)))


def _sample(split: Split, recipe: Recipe) -> Split:
    """Return the images of a split that are measured on."""
    return Split(
        _some_of_each_class(split.train, STEPS * recipe.batch_size),
        _some_of_each_class(split.validation, _SAMPLE),
        test=(),
    )


def _ending(
    run: Run, model: keras.Model, pixels: np.ndarray, split: Split
) -> tuple[StageEstimate, ...]:
    """Return the stages with which every training by steps ends.

    Args:
        run: The run that gets the files.
        model: The model.
        pixels: (M, S, S, 3), a sample of the validation images.
        split: All images.
    """
    sampled, validated = min(MOST_IMAGES, len(split.train)), len(split.validation)
    describing = seconds_of(lambda: describe(pixels)) / len(pixels)
    writing = _writing(run, model, pixels[:COMPARED_IMAGES], sampled)
    compute = features_of(run, model, is_light=run.light_network_path.is_file())
    feature = least_seconds_of(lambda: compute(pixels), 1) / len(pixels)
    features = sampled + validated
    return (
        StageEstimate(
            "compute features that tell strange images", features, "images", features * feature
        ),
        StageEstimate(_DESCRIBING, validated, "images", validated * describing),
        writing,
    )


def _some_of_each_class(examples: Sequence[ImageRecord], count: int) -> tuple[ImageRecord, ...]:
    """Return up to `count` examples, the classes in turn."""
    turns: dict[str, int] = {}
    numbered = []
    for example in examples:
        turns[example.label] = turns.get(example.label, -1) + 1
        numbered.append((turns[example.label], example.label, example))
    return tuple(example for *_, example in sorted(numbered, key=lambda one: one[:2])[:count])
