r"""The step from a hand-written backward pass to the gradient that TensorFlow uses.

**The inner product.** Matrices, images and batches of them carry the Frobenius inner product

    <A, B> = tr(A^T B) = sum over all entries of A * B

(Tsemo, *The algebra and the geometry aspect of deep learning*, 1.2). It turns the differential of
a scalar L at x, a linear form, into a matrix of the shape of x, the gradient:

    dL(v) = <dL/dx, v>     for every direction v.

**The chain rule** (left to do in Jiang, *A mathematical understanding of deep learning*, 2). Let
y = f(x) have the differential J = df_x, a linear map, and let L depend on x through y. With
g = dL/dy, for every direction v,

    dL(v) = <g, J v> = <J* g, v>,     so     dL/dx = J* g,

where J* is the adjoint of J: the map with <J v, g> = <v, J* g> for all v and g. No coordinates, no
Jacobian matrix, and no order of indices to get wrong. `backward` computes g -> J* g.

**A whole network** f = f_k o ... o f_1 with parameters W_l in layer l: (A o B)* = B* o A*, hence

    g_k = dL/dy_k,    g_{l-1} = (df_l / dx)* g_l,    dL/dW_l = (df_l / dW_l)* g_l,    l = k, ..., 1.

Each layer needs the gradient of what comes after it and what it kept from its own forward pass,
nothing else. Where a tensor feeds two layers, dL is a sum of two forms and the gradients add. This
recursion is backpropagation; TensorFlow's tape walks it, calling the `backward` of each layer.
"""

import inspect
from collections.abc import Callable
from typing import Any

import tensorflow as tf

Gradients = dict[str, tf.Tensor]


class HandDerived:
    """A function of tensors together with its backward pass, both written by hand.

    A subclass writes the pair:

        forward(self, x, kernel, *, flag)   -> (y, cache)
        backward(self, cache, g)            -> {"x": dL/dx, "kernel": dL/dkernel}

    Positional parameters of `forward` are the tensors that have gradients; parameters after the
    `*` are constants of the call (flags, masks, integer inputs). The cache is whatever `backward`
    wants to see again. A `forward` with several outputs returns them as a tuple, and its `backward`
    takes one upstream gradient for each.
    """

    def forward(self, *tensors: tf.Tensor, **constants: Any) -> tuple[Any, Any]:
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x, ...)")

    def backward(self, cache: Any, *upstream: tf.Tensor) -> Gradients:
        raise NotImplementedError(f"{type(self).__name__} must define backward(self, cache, g)")

    def tensor_names(self) -> tuple[str, ...]:
        """Names of the tensors that `forward` takes, in its order."""
        parameters = inspect.signature(self.forward).parameters.values()
        return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)

    def differentiable(self, tensors: dict[str, tf.Tensor], **constants: Any) -> tuple[Any, Any]:
        """Run `forward` so that TensorFlow differentiates it by `backward`; return (y, cache).

        Every tensor with a gradient is an argument of the inner function: TensorFlow loses the
        gradients of what a custom gradient reaches by closure. The constants have none, and go by
        closure. The cache stays connected to the arguments, so `backward` is differentiable too.
        """
        names = tuple(tensors)
        caches = []

        @tf.custom_gradient
        def run(*values: tf.Tensor) -> tuple[Any, Callable]:
            y, cache = self.forward(**dict(zip(names, values, strict=True)), **constants)
            caches.append(cache)

            def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
                return self._in_order(names, self.backward(cache, *upstream))

            return y, gradient

        y = run(*tensors.values())
        return y, caches[0]

    def _in_order(self, names: tuple[str, ...], gradients: Gradients) -> list[tf.Tensor]:
        missing = [name for name in names if name not in gradients]
        if missing:
            raise ValueError(
                f"{type(self).__name__}.backward must return a gradient for every tensor of "
                f"forward; {missing} are missing. Received: {sorted(gradients)}"
            )
        return [gradients[name] for name in names]


class Function(HandDerived):
    """A differentiable function without weights, called on its tensors."""

    def __call__(self, *values: tf.Tensor) -> Any:
        tensors = dict(zip(self.tensor_names(), map(tf.convert_to_tensor, values), strict=True))
        return self.differentiable(tensors)[0]


class Pair(Function):
    """Two plain functions as one differentiable function.

    Args:
        forward: `forward(x, ...) -> (y, cache)`.
        backward: `backward(cache, g) -> {name: gradient}`, named as the parameters of `forward`.

    Example: `square = Pair(lambda x: (x * x, x), lambda x, g: {"x": 2 * x * g})`.
    """

    def __init__(self, forward: Callable, backward: Callable):
        self.forward = forward  # type: ignore[method-assign]
        self.backward = backward  # type: ignore[method-assign]
