"""The user's home folder, which a program in a container may not have."""

from pathlib import Path

from dlmath.errors import UserError
from dlmath.given_paths import given_path


def home_folder() -> Path:
    """Return the home folder of the user.

    Raises:
        UserError: It is not known, as for a user number without an entry and without HOME.
    """
    found = given_path("~")
    if not found.is_absolute():
        raise UserError(
            "The home folder of this user is not known, so there is no place for the caches. Set "
            "DLMATH_HOME to a folder for them."
        )
    return found
