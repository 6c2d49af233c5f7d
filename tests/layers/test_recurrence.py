"""Recurrent layers: Keras's own numbers, gradients, masks and states; what a cell may rely on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dlmath import layers
from dlmath.layers.graph_loops import scan

CELLS = {
    "SimpleRNN": {},
    "SimpleRNN of ReLU": {"activation": "relu"},
    "LSTM": {},
    "LSTM without a bias of 1": {"unit_forget_bias": False},
    "GRU": {},
    "GRU, reset before": {"reset_after": False},
    "GRU without biases": {"use_bias": False},
}
WAYS = {
    "the last output": {},
    "all outputs": {"return_sequences": True},
    "outputs and states": {"return_sequences": True, "return_state": True},
    "backwards": {"return_sequences": True, "go_backwards": True},
    "written out": {"return_state": True, "unroll": True},
}
N, T, D, U = 4, 5, 2, 3


def pair_of(cell, **arguments):
    """Return our layer and Keras's, with the same random weights."""
    kind = cell.split()[0].rstrip(",")
    given = {**CELLS[cell], **arguments, "dtype": "float64"}
    ours, theirs = (getattr(m, kind)(U, **given) for m in (layers, keras.layers))
    x = np.zeros((N, T, D))
    ours(x), theirs(x)
    random = np.random.default_rng(1)
    for mine, other in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        values = random.normal(size=other.shape)
        mine.assign(values)
        other.assign(values)
    return ours, theirs


def outputs_and_gradients(layer, x, states, upstream, **call):
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        outputs = tf.nest.flatten(layer(x, initial_state=list(states) or None, **call))
        weights = [variable.value for variable in layer.trainable_variables]
    gradients = tape.gradient(
        outputs, [x, *states, *weights], output_gradients=upstream[: len(outputs)]
    )
    return [*outputs, *gradients]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_all_gradients_are_those_of_keras(cell, way, masked):
    ours, theirs = pair_of(cell, **WAYS[way])
    random = np.random.default_rng(0)
    x = tf.constant(random.normal(size=(N, T, D)))
    states = [tf.constant(random.normal(size=(N, U))) for _ in range(ours.states_kept)]
    first = (N, T, U) if ours.return_sequences else (N, U)
    upstream = [
        tf.constant(random.normal(size=shape)) for shape in (first, *[(N, U)] * len(states))
    ]
    mask = random.random((N, T)) > 0.4
    mask[0] = False  # a sequence that is all padding
    call = {"mask": tf.constant(mask)} if masked else {}

    mine, other = (
        outputs_and_gradients(layer, x, states, upstream, **call) for layer in (ours, theirs)
    )

    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_float32_agrees_with_float64(cell):
    exact, _ = pair_of(cell)
    single = type(exact).from_config({**exact.get_config(), "dtype": "float32"})
    x = np.random.default_rng(0).normal(size=(N, T, D))
    single.build(x.shape)
    single.set_weights(exact.get_weights())
    np.testing.assert_allclose(single(x.astype("float32")), exact(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_a_stateful_layer_goes_on_where_it_ended(kind):
    layer = getattr(layers, kind)(U, stateful=True)
    whole = getattr(layers, kind)(U)
    x = np.random.default_rng(0).normal(size=(N, 2 * T, D)).astype("float32")
    layer.build((N, T, D))
    whole.build(x.shape)
    whole.set_weights([variable.numpy() for variable in layer.trainable_variables])
    for _ in range(2):
        layer(x[:, :T])
        np.testing.assert_allclose(layer(x[:, T:]), whole(x), atol=1e-6)
        layer.reset_state()


def test_a_stateful_layer_needs_a_batch_size():
    with pytest.raises(ValueError, match=r"batch size.*batch_shape"):
        layers.GRU(U, stateful=True).build((None, T, D))


def test_another_number_of_states_is_refused():
    x = np.zeros((N, T, D), "float32")
    with pytest.raises(ValueError, match=r"must be 2 tensors \(N, 3\).*Received: 1"):
        layers.LSTM(U)(x, initial_state=[tf.zeros((N, U))])


def test_an_argument_of_keras_that_is_not_supported_is_named():
    with pytest.raises(ValueError, match="zero_output_for_mask"):
        layers.LSTM(U, zero_output_for_mask=True)


def test_dropped_inputs_are_the_same_at_every_step():
    layer = layers.SimpleRNN(
        D,
        activation=None,
        kernel_initializer="identity",
        recurrent_initializer="zeros",
        dropout=0.5,
        seed=0,
        return_sequences=True,
    )
    y = layer(tf.ones((64, T, D)), training=True).numpy()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1]).all()
    assert 0.3 < (y == 0).mean() < 0.7
    np.testing.assert_array_equal(layer(tf.ones((2, T, D))), 1)


def test_a_dropped_state_still_reaches_what_uses_it_directly():
    """With recurrent weights 0 a GRU is a running mean of h, which no dropout touches."""
    layer = layers.GRU(U, recurrent_dropout=0.9, seed=0, recurrent_initializer="zeros")
    x = np.random.default_rng(0).normal(size=(N, T, D)).astype("float32")
    np.testing.assert_allclose(layer(x, training=True), layer(x), atol=1e-7)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_dropout_of_the_state_is_differentiated_with_the_same_draw(kind):
    layer = getattr(layers, kind)(U, recurrent_dropout=0.5, dropout=0.3, seed=3, dtype="float64")
    x = tf.constant(np.random.default_rng(0).normal(size=(N, T, D)))
    layer.build(x.shape)
    factors = tf.constant(np.random.default_rng(1).choice([0.0, 2.0], (N, U)))
    states = (tf.zeros((N, U), "float64"),) * layer.states_kept

    def plain(x):
        return layer.forward(*layer.tensors(x, *states).values(), factors=factors)[0][0]

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        by_tape = tf.reduce_sum(plain(x) ** 2)
        by_hand = tf.reduce_sum(layer.apply(x, *states, factors=factors)[0] ** 2)
    np.testing.assert_allclose(
        tape.gradient(by_hand, x), tape.gradient(by_tape, x), rtol=1e-10, atol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_wrapped_by_keras_it_trains_is_saved_and_exported(kind, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((7,), dtype="int32")  # whose length TimeDistributed must know
    cell = getattr(layers, kind)
    x = layers.Embedding(10, 4, mask_zero=True)(inputs)
    x = keras.layers.Bidirectional(cell(U, return_sequences=True))(x)
    x = keras.layers.TimeDistributed(layers.Dense(3, "relu"))(x)
    x = cell(U)(x)
    model = keras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    tokens = np.random.default_rng(0).integers(0, 10, (32, 7)).astype("int32")
    truth = (tokens[:, -1] > 4).astype("float32")
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    losses = model.fit(tokens, truth, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]

    predicted = model.predict(tokens, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(tokens, verbose=0), predicted)
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    served = loaded.serve(tokens)
    np.testing.assert_allclose(served, predicted, atol=1e-6)


def test_a_config_has_the_arguments_of_the_class_above():
    layer = layers.LSTM(U, recurrent_activation="tanh", go_backwards=True, dropout=0.25, seed=4)
    again = layers.LSTM.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.recurrent_activation, again.go_backwards) == ("tanh", True)
    assert (again.dropout, again.seed) == (0.25, 4)


def test_a_gru_has_three_quarters_of_the_weights_of_an_lstm():
    """Exactly; the second bias of `reset_after` adds 3 U."""
    counts = {}
    for name, layer in {
        "lstm": layers.LSTM(U),
        "gru": layers.GRU(U, reset_after=False),
        "gru after": layers.GRU(U),
    }.items():
        layer.build((N, T, D))
        counts[name] = layer.count_params()
    assert 4 * counts["gru"] == 3 * counts["lstm"]
    assert counts["gru after"] == counts["gru"] + 3 * U


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_is_a_running_sum(reverse, unroll):
    x = tf.constant([[1.0], [2.0], [4.0]])

    def step(carry, inputs):
        total = carry[0] + inputs[0]
        return (total,), (total,)

    last, sums = scan(step, (tf.zeros(1),), (x,), reverse=reverse, unroll=unroll)
    assert last[0].numpy().tolist() == [7.0]
    expected = [7.0, 6.0, 4.0] if reverse else [1.0, 3.0, 7.0]
    assert sums[0].numpy().ravel().tolist() == expected
