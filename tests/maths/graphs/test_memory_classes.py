from xml.etree import ElementTree

import keras
import pytest

from dlmath import layers
from dlmath.errors import UserError
from dlmath.maths.graphs.memory_classes import memory_class


def sequence_model(*between):
    return keras.Sequential([keras.Input((3, 2)), *between, keras.layers.Dense(1)])


def test_a_dense_network_is_a_path_and_remembers_its_input_only():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1, name="b")]
    )
    found = memory_class(model)
    assert found.acyclic
    assert found.names[1:] == ("a", "b")
    assert found.graph.arcs == ((0, 1), (1, 2))
    assert found.inverse_zeta == (1,)
    assert found.text().splitlines()[-1].startswith("Acyclic: ")


@pytest.mark.parametrize("layer", [keras.layers.LSTM, keras.layers.GRU, layers.LSTM])
def test_a_recurrent_layer_has_a_loop(layer):
    found = memory_class(sequence_model(layer(4, name="memory")))
    assert found.on_cycles == ("memory",)
    assert found.graph.arcs.count((1, 1)) == 1
    assert found.inverse_zeta == (1, -1)
    assert found.text().endswith("Homotopy class: det(I - uA) = 1 - u.")


def test_an_unrolled_one_is_a_path_of_its_steps():
    found = memory_class(sequence_model(keras.layers.SimpleRNN(4, unroll=True, name="r")))
    assert found.acyclic
    assert found.names[1:4] == ("r step 0", "r step 1", "r step 2")
    assert found.graph.arcs == ((1, 2), (2, 3), (0, 1), (0, 2), (0, 3), (3, 4))


def test_a_stateful_unrolled_one_is_a_cycle_of_its_steps():
    model = keras.Sequential(
        [
            keras.Input((3, 2), batch_size=2),
            keras.layers.SimpleRNN(4, unroll=True, stateful=True),
        ]
    )
    assert memory_class(model).inverse_zeta == (1, 0, 0, -1)


def test_both_directions_have_a_loop_of_their_own():
    found = memory_class(sequence_model(keras.layers.Bidirectional(keras.layers.LSTM(2))))
    assert len(found.on_cycles) == 2
    assert found.inverse_zeta == (1, -2, 1)


def test_a_nested_model_and_a_layer_that_is_used_twice():
    inner = sequence_model(keras.layers.GRU(4, name="g"))
    x = keras.Input((3, 2), name="x")
    dense = keras.layers.Dense(2, name="d")
    model = keras.Model(x, inner(dense(dense(x))))
    found = memory_class(model)
    assert found.on_cycles == (f"{inner.name}/g",)
    assert found.names[:3] == ("x", "d", "d (call 2)")
    assert {(0, 1), (1, 2), (2, 3), (3, 3), (3, 4)} == {*found.graph.arcs}


def test_attention_and_sums_make_no_cycle():
    x = keras.Input((5, 4))
    attended = keras.layers.MultiHeadAttention(2, 2)(x, x)
    model = keras.Model(x, keras.layers.LayerNormalization()(keras.layers.Add()([x, attended])))
    found = memory_class(model)
    assert found.acyclic
    assert found.graph.nodes == 4


def test_the_picture_has_a_curve_for_each_arc():
    found = memory_class(sequence_model(keras.layers.LSTM(4)))
    curves = ElementTree.fromstring(found.svg()).findall("{http://www.w3.org/2000/svg}path")
    assert len(curves) == len(found.graph.arcs)


def test_a_model_of_python_code_has_no_graph_to_read():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(UserError, match="Received: Own"):
        memory_class(Own())
