r"""Tasks on sequences of any length, drawn without end, with what is known of their loss.

**Adding** (Hochreiter and Schmidhuber, Long short-term memory, 1997, section 5.4). At each step a
number uniform in [0, 1] and a mark, 1 at two steps and 0 elsewhere: one marked step in the first
half, one in the second. The answer, after the last step, is the sum of the two marked numbers. It
has the mean 1 and the variance 1/12 + 1/12, so the constant answer 1 has the squared error 1/6.

**Copying** (the same authors; as in Arjovsky et al., arXiv:1511.06464). Some symbols, then blanks,
then a sign at which the symbols must be repeated. Each is uniform over S: knowing nothing costs
ln S for each.

**Next token of the even process** (Weiss, Subshifts of finite type and sofic systems, 1973), the
smallest source that has no finite memory. In state A the source gives 0 with probability q and
stays, or gives 1 and goes to B; in B it gives 1 and returns to A. So 1s come in pairs, and the
state is the parity of their number since the last 0. From A at step 0, the probability of A after
t steps is

    a_t = a + (1 - a) (-(1 - q))^t,      a = 1 / (2 - q) its limit.

With H the entropy of a coin, who knows the state pays a_(t-1) H(q) for the token at t, and the
limit a H(q) is the entropy rate. The best constant answer costs H of the mean of q a_(t-1).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import entr

SYMBOLS, MEMORISED = 8, 3  # S and A of the copy task
ENDS = 0.5  # q of the even process


@dataclass(frozen=True)
class Batch:
    """Sequences with their answers.

    Attributes:
        inputs: (N, T, D), float32; tokens are rows of 0 and a 1.
        targets: Of the last A steps: numbers (N, A, 1), float32, or tokens (N, A), int32.
    """

    inputs: np.ndarray
    targets: np.ndarray


class Task(Protocol):
    """A task for each length.

    Attributes:
        name: A few words.
        inputs: D, the width of the inputs.
        outputs: Number of values that an answer has; tokens have one logit each.
        tokens: Whether answers are tokens, whose loss is the cross-entropy in nats. The loss of
            numbers is the squared error.
    """

    name: str
    inputs: int
    outputs: int
    tokens: bool

    def draw(self, length: int, number: int, rng: np.random.Generator) -> Batch:
        """Return `number` independent sequences."""

    def constant_loss(self, length: int) -> float:
        """Return the expected loss of the best answer that does not depend on the sequence."""

    def least_loss(self, length: int) -> float:
        """Return the expected loss of who knows all that the sequence tells."""


class Adding:
    """The adding problem; T is the length.

    Shapes: inputs (N, T, 2), number and mark; targets (N, 1, 1).
    """

    name, inputs, outputs, tokens = "adding", 2, 1, False

    def draw(self, length: int, number: int, rng: np.random.Generator) -> Batch:
        numbers, marks = rng.random((number, length)), np.zeros((number, length))
        half, rows = length // 2, np.arange(number)
        marks[rows, rng.integers(half, size=number)] = 1
        marks[rows, rng.integers(half, length, size=number)] = 1
        sums = np.sum(numbers * marks, axis=1)
        inputs = np.stack([numbers, marks], axis=-1)
        return Batch(inputs.astype(np.float32), sums[:, None, None].astype(np.float32))

    def constant_loss(self, length: int) -> float:
        return 1 / 6

    def least_loss(self, length: int) -> float:
        return 0.0


class Copying:
    """The copy task; the length is that of the blanks, and T = length + 2 A.

    Shapes: inputs (N, T, S + 2), the S symbols, the blank and the sign; targets (N, A).
    """

    name, inputs, outputs, tokens = "copying", SYMBOLS + 2, SYMBOLS, True

    def draw(self, length: int, number: int, rng: np.random.Generator) -> Batch:
        blank, sign = SYMBOLS, SYMBOLS + 1
        told = rng.integers(SYMBOLS, size=(number, MEMORISED))
        tokens = np.full((number, length + 2 * MEMORISED), blank)
        tokens[:, :MEMORISED] = told
        tokens[:, -MEMORISED] = sign
        return Batch(_one_hot(tokens, self.inputs), told.astype(np.int32))

    def constant_loss(self, length: int) -> float:
        return float(np.log(SYMBOLS))

    def least_loss(self, length: int) -> float:
        return 0.0


class EvenProcess:
    """The next token of the even process with q = 1/2; T is the length.

    Sequences begin with a 0, which leaves the source in A.

    Shapes: inputs (N, T, 2), the tokens at 0..T-1; targets (N, T), those at 1..T.
    """

    name, inputs, outputs, tokens = "even process", 2, 2, True

    def draw(self, length: int, number: int, rng: np.random.Generator) -> Batch:
        in_a = np.ones(number, bool)
        tokens = np.zeros((number, length + 1), np.int32)
        for t in range(1, length + 1):
            tokens[:, t] = ~in_a | (rng.random(number) >= ENDS)
            in_a = ~in_a | (tokens[:, t] == 0)
        return Batch(_one_hot(tokens[:, :-1], self.inputs), tokens[:, 1:])

    def constant_loss(self, length: int) -> float:
        return _entropy(ENDS * np.mean(_in_a(length)))

    def least_loss(self, length: int) -> float:
        return float(np.mean(_in_a(length))) * _entropy(ENDS)


def _in_a(length: int) -> np.ndarray:
    """Return the probabilities of state A after 0..length-1 tokens."""
    limit = 1 / (2 - ENDS)
    return limit + (1 - limit) * (ENDS - 1.0) ** np.arange(length)


def _entropy(chance: float) -> float:
    """Return the entropy of a coin, in nats."""
    return float(entr(chance) + entr(1 - chance))


def _one_hot(tokens: np.ndarray, number: int) -> np.ndarray:
    return np.eye(number, dtype=np.float32)[tokens]


TASKS: dict[str, Task] = {task.name: task for task in (Adding(), Copying(), EvenProcess())}
