"""The base class of the from-scratch layers: a Keras layer made of a forward and a backward."""

import inspect
from typing import Any, ClassVar

import keras
import tensorflow as tf

from dlmath._keras_settings import check_keras
from dlmath.layers.arguments import check_supported
from dlmath.layers.hand_derived import HandDerived
from dlmath.layers.linear_map import LinearMap

check_keras()


class Layer(HandDerived, keras.layers.Layer):
    """A Keras layer whose gradient is the `backward` that its author wrote.

    The author writes `__init__`, `build` where there are weights, and the pair `forward` and
    `backward` of `HandDerived`. The first parameter of `forward` is the layer's input; each further
    one is a weight, taken from the attribute of that name, and left out where that is None:

        class Scale(Layer):
            def build(self, input_shape):
                self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

            def forward(self, x, factor):
                return factor * x, (x, factor)

            def backward(self, cache, g):
                x, factor = cache
                return {"x": factor * g, "factor": tf.reduce_sum(g * x, axis=0)}

    Everything else is Keras's: shapes, saving, mixed precision, `tf.function`, export. Every
    argument of `__init__` must be an attribute of the same name; `get_config` reads them.

    A layer whose call needs more than its input (a training flag, a mask, a second input) defines
    `call` and hands the constants and inputs to `apply`.

    Args:
        **kwargs: `name`, `dtype`, `trainable` and `activity_regularizer`, as in Keras. Any other
            argument of the Keras layer is refused by name, unless it asks for nothing.
    """

    # Arguments that another attribute keeps, where Keras uses their own name for something else.
    kept_as: ClassVar[dict[str, str]] = {}

    def __init__(self, **kwargs: Any):
        super().__init__(**check_supported(type(self), kwargs))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.apply(inputs)

    def apply(self, *inputs: tf.Tensor, **constants: Any) -> Any:
        """The output for these inputs and the layer's weights, differentiated by `backward`."""
        return self.differentiable(self.tensors(*inputs), **constants)[0]

    def tensors(self, *inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """The arguments of `forward` by name: the inputs, then the layer's weights.

        Weights arrive in the dtype of the computation: under mixed precision Keras casts them as
        they are read here, outside the custom gradient, and its own cast carries the gradient back.
        """
        names = self.tensor_names()
        found = dict(zip(names, map(tf.convert_to_tensor, inputs), strict=False))
        for name in names[len(inputs) :]:
            if getattr(self, name) is not None:
                found[name] = tf.convert_to_tensor(getattr(self, name))
        return found

    def linear_part(self, shape: tuple[int, ...]) -> LinearMap:
        """The linear map x -> f(x) - f(0) on inputs of `shape`, with its adjoint.

        Raises:
            NotImplementedError: The layer is not affine in its input.
        """
        raise NotImplementedError(f"{type(self).__name__} is not affine in its input.")

    def compute_output_spec(self, *inputs: Any, **call: Any) -> Any:
        """Return shape and dtype of the output, by tracing the call."""
        return keras.Operation.compute_output_spec(self, *inputs, **call)

    def compute_output_shape(self, *shapes: Any, **named: Any) -> Any:
        """Return the output's shape for inputs of these shapes; wrappers of layers ask for it."""
        inputs = [
            keras.KerasTensor(shape, dtype=self.compute_dtype)
            for shape in (*shapes, *named.values())
        ]
        return tf.nest.map_structure(lambda one: one.shape, self.compute_output_spec(*inputs))

    def get_config(self) -> dict[str, Any]:
        """Return every argument of `__init__`, as plain values that JSON can hold.

        Where it hands on others to the class above, by `**kwargs`, those of that class too.
        """
        own = {
            name: _plain(getattr(self, self.kept_as.get(name, name)))
            for name in _arguments(type(self))
        }
        return {**super().get_config(), **own}


def _arguments(layer: type) -> list[str]:
    """Names of the arguments of a layer class, and of those between it and `Layer`."""
    above = layer.__mro__[: layer.__mro__.index(Layer)]
    found = [
        parameter.name
        for one in above
        if "__init__" in vars(one)
        for parameter in inspect.signature(vars(one)["__init__"]).parameters.values()
        if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
    ]
    return list(dict.fromkeys(found))


def _plain(value: Any) -> Any:
    """A value for a config: Keras objects (initializers, regularizers) become dictionaries."""
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value


def shape_of(x: tf.Tensor) -> list[Any]:
    """The shape of x: an int where it is known while tracing, a scalar tensor where it is not."""
    dynamic = tf.shape(x)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(x.shape)]
