"""Arguments of an experiment as texts, `name=value`, in the type of their defaults."""

from collections.abc import Iterable

from dlmath.errors import UserError
from dlmath.maths.experiment_base import Experiment, Setting

_TRUTH = {"true": True, "false": False}


def read_settings(experiment: Experiment, texts: Iterable[str]) -> dict[str, Setting]:
    """Return the arguments that texts such as `rate=0.1` stand for.

    Raises:
        UserError: A text has no `=`, or its value is not of the type of the default. (An unknown
            name is refused when the experiment runs.)
    """
    settings: dict[str, Setting] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set takes NAME=VALUE. Received: {text!r}. Example: --set seed=1")
        settings[name] = _read(name, value, experiment.defaults.get(name, ""))
    return settings


def _read(name: str, value: str, default: Setting) -> Setting:
    kind = type(default)
    try:
        return _TRUTH[value.lower()] if kind is bool else kind(value)
    except (KeyError, ValueError):
        expected = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise UserError(
            f"`{name}` must be {expected}. Received: {name}={value}. Its default is {default}."
        ) from None
