"""The user's home folder, which a program in a container may not have."""

import os
from pathlib import Path

from dlmath.errors import UserError


def expanded(path: str | Path) -> Path:
    """Return a path with the home folder in the place of `~`.

    Where that folder is not known, as that of `~nobody-here`, the path stays as it is: whoever
    reads it then says that it is not there.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  that of pathlib raises a RuntimeError


def home_folder() -> Path:
    """Return the home folder of the user.

    Raises:
        UserError: It is not known, as for a user number without an entry and without HOME.
    """
    found = expanded("~")
    if not found.is_absolute():
        raise UserError(
            "The home folder of this user is not known, so there is no place for the caches. Set "
            "DLMATH_HOME to a folder for them."
        )
    return found
