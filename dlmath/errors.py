"""Errors a user can act on. The command line prints only the message, without a traceback.

A message says what is wrong, what was given (`Received: name=value`) and what to do next.
"""

from collections.abc import Iterable


class DlmathError(Exception):
    """Base class of every error that dlmath raises on purpose.

    Attributes:
        exit_code: What the command line exits with (`docs/command-line.md` lists them).
    """

    exit_code = 1


class UserError(DlmathError):
    """Raised where what a user asked for or gave cannot be used as it is."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe holds an unknown field or a value out of its range."""


class DataError(UserError):
    """The files on disk are not what the recipe expects."""


class RunError(UserError):
    """A run folder is missing, incomplete, or already in use."""


class DeviceError(UserError):
    """The hardware that was asked for is not there."""


class WeightsError(UserError):
    """Pretrained weights are missing, damaged, or do not fit the network."""


class VerificationError(DlmathError):
    """Something was built and then found not to do what it must, such as an export."""


class CheckFailedError(DlmathError):
    """A check ran to its end, and its answer is no: drift, a wrong gradient, a fault of a run."""

    exit_code = 4


class DivergedError(DlmathError):
    """The loss became NaN or infinite."""

    exit_code = 3


class Stopped(DlmathError):
    """A signal asked the training to end; the state was saved first.

    Args:
        message: What was saved, and the command that goes on.
        signal_number: The signal; the exit code is 128 plus it, as shells expect.
    """

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the choice nearest to `name`, or an empty string."""
    import difflib  # only for an error, not for every start

    nearest = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" Did you mean {nearest[0]!r}?" if nearest else ""
