import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import seeds
from dlmath.errors import DivergedError
from dlmath.recipe import Recipe
from dlmath.training import checkpoints
from dlmath.training.callbacks import BestEpoch, EarlyStopping, History
from dlmath.training.loop import Callback, Loop, Position
from dlmath.training.optimizer import compile_for_training

EPOCHS, STEPS = 3, 5


def batches(epoch, first_step):
    """Batches that depend only on (epoch, step)."""

    def make(step):
        draw = seeds.generator("batch", epoch, int(step))
        images = draw.normal(size=(8, 3)).astype("float32")
        labels = np.eye(2, dtype="float32")[(images.sum(axis=1) > 0).astype(int)]
        return images, labels, np.ones(8, "float32")

    made = [make(step) for step in range(STEPS)]
    parts = tuple(np.stack(part) for part in zip(*made, strict=True))
    return tf.data.Dataset.from_tensor_slices(parts).skip(first_step)


def build():
    images = keras.Input((3,), name="images")
    hidden = keras.layers.Dense(4, kernel_initializer=keras.initializers.GlorotUniform(0))(images)
    hidden = keras.layers.Dropout(0.5, seed=1)(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    logits = keras.layers.Dense(
        2, name="logits", kernel_initializer=keras.initializers.GlorotUniform(1)
    )(hidden)
    model = keras.Model(images, keras.layers.Softmax()(logits))
    return compile_for_training(
        model, Recipe(name="t", epochs=EPOCHS, learning_rate=0.05, warmup_epochs=0.5), STEPS
    )


class StopAt(Callback):
    """Raises at a position, as a signal would."""

    def __init__(self, position, snapshot):
        self.position, self.snapshot, self.saved = position, snapshot, None

    def on_step_end(self, position, loss):
        if position == self.position:
            self.saved = self.snapshot()
            raise InterruptedError


def make_loop(tmp_path, stop_at=None):
    model = build()
    groups = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        "metrics": model.metrics_variables,
    }
    best = BestEpoch("minus_loss", lambda epoch, value: None)

    class Score(Callback):
        def measure(self, logs):
            logs["minus_loss"] = -logs["loss"]

    loop = Loop(
        model,
        batches,
        EPOCHS,
        STEPS,
        [Score(), best, EarlyStopping(best, 0), History(tmp_path / "history.csv")],
    )

    def snapshot():
        return checkpoints.pack(checkpoints.Checkpoint(checkpoints.collect(groups), loop.state()))

    stopper = StopAt(stop_at, snapshot)
    loop.callbacks = [*loop.callbacks, stopper]
    return loop, groups, stopper, snapshot


@pytest.mark.parametrize(
    "stop_at", [Position(0, 1), Position(0, 5), Position(1, 3), Position(2, 5)]
)
def test_an_interrupted_training_ends_bitwise_as_the_uninterrupted_one(tmp_path, stop_at):
    whole, _, _, snapshot = make_loop(tmp_path)
    whole.run()
    expected, history = snapshot(), (tmp_path / "history.csv").read_bytes()

    first, _, stopper, _ = make_loop(tmp_path, stop_at)
    with pytest.raises(InterruptedError):
        first.run()
    second, groups, _, snapshot = make_loop(tmp_path)
    checkpoint = checkpoints.unpack(stopper.saved, "x")
    checkpoints.restore(checkpoint.arrays, groups)
    second.restore(checkpoint.meta)
    second.run()

    ours, theirs = checkpoints.unpack(snapshot(), "x"), checkpoints.unpack(expected, "x")
    assert ours.meta == theirs.meta
    for name, value in theirs.arrays.items():
        assert ours.arrays[name].tobytes() == value.tobytes(), name
    assert (tmp_path / "history.csv").read_bytes() == history


def test_the_step_is_compiled_once(tmp_path):
    loop, *_ = make_loop(tmp_path)
    calls = []
    step = loop.model.train_step

    def counted(data):
        calls.append(1)
        return step(data)

    loop.model.train_step = counted
    loop.run()
    assert len(calls) == 1  # traced once for all epochs


def test_an_infinite_loss_ends_the_training(tmp_path):
    loop, *_ = make_loop(tmp_path)
    loop.model.get_layer("logits").bias.assign([np.inf, 0])
    with pytest.raises(DivergedError, match=r"epoch 1 at step 1 of 5\."):
        loop.run()


def test_the_very_step_is_named_with_the_loss_before(tmp_path):
    loop, *_ = make_loop(tmp_path)

    class Poison(Callback):
        def on_step_end(self, position, loss):
            if position.step == 2:
                loop.model.get_layer("logits").bias.assign([np.nan, 0])

    loop.callbacks = [Poison()]
    with pytest.raises(DivergedError, match=r"became nan in epoch 1 at step 3 of 5, from [\d.]+ a"):
        loop.run()


def test_early_stopping_waits_its_patience():
    best = BestEpoch("score", lambda epoch, value: None)
    stopping = EarlyStopping(best, patience=2)
    stopped = []
    for epoch, score in enumerate([0.5, 0.7, 0.7, 0.6, 0.9]):
        for callback in (best, stopping):
            callback.on_epoch_end(epoch, {"score": score})
        stopped.append(stopping.wants_to_stop())
    assert stopped == [False, False, False, True, False]
    assert best.epoch == 4


def test_keras_callbacks_may_watch(tmp_path):
    seen = []

    class Watcher(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append("begin")

        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

        def on_epoch_end(self, epoch, logs=None):
            seen.append(sorted(logs))

        def on_train_end(self, logs=None):
            seen.append("end")

    loop, *_ = make_loop(tmp_path)
    loop.observers = [Watcher()]
    loop.run()
    epoch = [*range(STEPS), ["loss", "minus_loss"]]
    assert seen == ["begin", *epoch * EPOCHS, "end"]
