r"""Exponential moving averages of the weights, by which a training is judged and kept.

After each step the optimizer sets `average = m * average + (1 - m) * weights`, beginning with the
weights after the first step (Polyak and Juditsky, "Acceleration of stochastic approximation by
averaging", 1992; in this form Tarvainen and Valpola, arXiv:1703.01780, eq. 1). The training itself
goes on with the weights as they are. Moving statistics of batch normalisation are averages
already and stay as they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Give a compiled model its averaged weights for the block, then its own back, bit by bit.

    Without averages, as with `ema = 0`, nothing changes.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # under loss scaling
    if not optimizer.use_ema:
        yield
        return
    own = [np.array(variable) for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, own, strict=True):
            variable.assign(value)
