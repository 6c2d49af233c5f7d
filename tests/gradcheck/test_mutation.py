import pytest
import tensorflow as tf

from dlmath.gradcheck.mutation import Transpose, mutants


class Sample:
    """Something with a backward pass of every form that is mutated."""

    def backward(self, cache, g):
        x, w = cache
        return {
            "x": tf.matmul(g, w, transpose_b=True) - 2 * x,
            "w": tf.reduce_sum(tf.where(x > 0, g, x), axis=0),
        }


def texts():
    return {fault.what for fault in mutants(Sample, "backward")}


@pytest.mark.parametrize(
    "what",
    [
        "`dL/dx` zero",
        "`dL/dw` negated",
        "`dL/dw` transposed",
        "`2 * x` dropped in `tf.matmul(g, w, transpose_b=True) - 2 * x`",
        "`2 * x` negated in `tf.matmul(g, w, transpose_b=True) - 2 * x`",
        "`x` transposed in `2 * x`",
        "`2` dropped in `2 * x`",
        "arguments of `tf.matmul` swapped",
        "`transpose_b` left out of `tf.matmul`",
        "`tf.reduce_sum` became `tf.reduce_mean`",
        "`x > 0` loosened",
        "`x > 0` turned round",
    ],
)
def test_every_form_is_mutated(what):
    assert what in texts()


def test_a_mutant_does_what_it_says_and_is_gone_afterwards():
    fault = next(f for f in mutants(Sample, "backward") if f.what == "`dL/dw` negated")
    cache, g = (tf.constant([[1.0, 2.0, 3.0]]), tf.ones((3, 3))), tf.constant([[3.0, 4.0, 5.0]])
    right = Sample().backward(cache, g)["w"]
    with fault.installed():
        wrong = Sample().backward(cache, g)["w"]
    assert (wrong.numpy() == -right.numpy()).all()
    assert (Sample().backward(cache, g)["w"].numpy() == right.numpy()).all()


def test_a_transpose_keeps_the_shape_and_knows_whether_it_moved_anything():
    transpose = Transpose()
    assert transpose(tf.constant([[1, 2, 3]])).numpy().tolist() == [[1, 2, 3]]
    assert transpose(5).numpy() == 5
    assert not transpose.moved
    assert transpose(tf.constant([[1, 2, 3], [4, 5, 6]])).numpy().tolist() == [[1, 4, 2], [5, 3, 6]]
    assert transpose.moved
