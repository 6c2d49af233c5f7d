"""TASK|PATH: what the commands on data take."""

from dlmath import models
from dlmath.data.tfds import PREFIX as TFDS_PREFIX
from dlmath.errors import DataError, did_you_mean
from dlmath.given_paths import given_path


def check_task_spelling(target: str) -> None:
    """Refuse what is neither there nor a task, but nearly one."""
    is_tfds = target.startswith(TFDS_PREFIX)
    nearest = "" if is_tfds else did_you_mean(target, models.RECIPES)
    if nearest and not given_path(target).exists():
        raise DataError(f"There is no task and no path {target!r}.{nearest}")
