r"""The optimizer, its learning rate over the steps, the averages of the weights, and the loss.

After each step the optimizer sets `average = m * average + (1 - m) * weights`, beginning with the
weights after the first step (Polyak and Juditsky, "Acceleration of stochastic approximation by
averaging", 1992; in this form Tarvainen and Valpola, arXiv:1703.01780, eq. 1). Epochs are validated
and kept with the averages; the training itself goes on with the weights as they are. Moving
statistics of batch normalisation are averages already and are not averaged again. An average over
more steps than there are would stay near the first weights, so m averages over a tenth of them at
most.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from dlmath.recipe import Recipe
from dlmath.training.training_graph import TrainingModel


def compile_for_training(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> keras.Model:
    """Return a compiled model that ends in the logits and shares every variable of `model`.

    The loss is the cross-entropy of soft labels times a weight for each example, averaged
    over the batch. It is taken on logits: on probabilities it would be cut off where they
    round to 0. No metric is compiled in: what is reported is computed on validation data,
    over all of it at once, because the mean of the AUCs of batches is not an AUC.
    """
    logits = model.get_layer("logits").output
    return compile_logits(keras.Model(model.input, logits), recipe, steps_per_epoch)


def compile_logits(logits: keras.Model, recipe: Recipe, steps_per_epoch: int) -> keras.Model:
    """Compile a model from pixels or activations to logits; see `compile_for_training`."""
    training_model = TrainingModel(logits.input, logits.output, name="training")
    training_model.compile(
        optimizer=make_optimizer(recipe, steps_per_epoch),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        # XLA runs these convolutions 20 times slower on a CPU.
        jit_compile=False,
    )
    # Made now, inside a strategy's scope, rather than in the first step, inside a replica.
    training_model.optimizer.build(training_model.trainable_variables)
    if recipe.weights != "none":
        _slow_down_pretrained(training_model, recipe.backbone_rate)
    return training_model


def make_optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return the recipe's optimizer; float16 adds dynamic scaling of the loss."""
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    momentum = min(recipe.ema, max(0.0, 1 - 10 / (recipe.epochs * steps_per_epoch)))
    average = {"use_ema": True, "ema_momentum": momentum} if momentum else {}
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **average)
        # Decay shrinks kernels; a bias or a scale of normalisation has nothing to overfit with.
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    elif recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, **average)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **average)
    if recipe.precision == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _slow_down_pretrained(model: keras.Model, factor: float) -> None:
    """Let all weights but the head's learn at `factor` times the learning rate.

    Discriminative fine-tuning (Howard and Ruder, arXiv:1801.06146, section 3.2): a rate that
    makes a fresh head learn would undo pretrained features before the head can use them.
    """
    optimizer = model.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # under loss scaling
    # By index, as Keras's own optimizers look up their slots: what arrives in a step is the
    # TensorFlow variable inside the Keras one, or its copy on a replica.
    index_of = optimizer._get_variable_index
    head = {index_of(variable) for variable in model.get_layer("logits").variables}
    update_step = optimizer.update_step

    def update(gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        own_rate = learning_rate if index_of(variable) in head else learning_rate * factor
        update_step(gradient, variable, own_rate)

    optimizer.update_step = update


def learning_rate_schedule(
    recipe: Recipe, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate as a function of only the step, so that a resumed run agrees.

    It rises linearly from 0 over `warmup_epochs`, then falls along half a cosine to 0 at the
    last step (Loshchilov and Hutter, "SGDR", arXiv:1608.03983, eq. 5), or stays.
    """
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), recipe.epochs * steps_per_epoch - 1)
    total = recipe.epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else recipe.learning_rate,
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=max(1, total - warmup),
        alpha=1.0 if recipe.schedule == "constant" else 0.0,  # the fraction that is left at the end
    )


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
