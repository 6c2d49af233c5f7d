"""Import hook of a checkout: the folders `cli/` and `models/` are `dlmath.cli`, `dlmath.models`.

They lie at the top of the repository and install as subpackages of `dlmath`. Python started in a
checkout also finds them under their bare names, and would load everything a second time: two
copies of each module, and each Keras class registered twice. `hand_on`, called in the first lines
of both packages, makes the bare name another name of the same module objects.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


def hand_on(name: str) -> None:
    """Let the top-level package `name` be `dlmath.<name>`; without effect in `dlmath.<name>`.

    Raises:
        ImportError: the link `dlmath/<name>` was not made by the checkout, and dlmath is not
            installed either.
    """
    if name.startswith("dlmath."):
        return
    real_name = f"dlmath.{name}"
    try:
        real = importlib.import_module(real_name)
    except ModuleNotFoundError as error:
        if error.name != real_name:
            raise
        raise ImportError(link_missing(name), name=name) from None
    # The import system returns what sys.modules holds once this package's body has run.
    sys.modules[name] = real
    sys.meta_path.insert(0, _SubmoduleAlias(name))


def link_missing(name: str) -> str:
    """Return the message for a checkout in which `dlmath/<name>` is no link to `<name>/`."""
    return (
        f"dlmath.{name} was not found: dlmath/{name} should be a symbolic link to ../{name}, "
        "and this checkout has none (git writes a text file where symbolic links are off). "
        "Received: an uninstalled checkout. Run `pip install -e .`, which needs no links, or "
        "`git config core.symlinks true && git checkout -- dlmath`."
    )


class _SubmoduleAlias:
    """Finds and loads `<name>.<module>` as the module object `dlmath.<name>.<module>`.

    A finder and a loader only by their methods: `importlib.abc`, home of their base classes,
    costs a quarter of the time that `dlmath --help` takes.
    """

    def __init__(self, name: str) -> None:
        self._prefix = f"{name}."

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # runpy executes `python -m cli` as cli.__main__ and wants that one's own code.
        if not fullname.startswith(self._prefix) or fullname.endswith(".__main__"):
            return None
        if importlib.util.find_spec(f"dlmath.{fullname}") is None:
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]  # has what a loader must have

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the creation of the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        # Filling in a fresh module and swapping it here leaves the real module's __spec__ as it is.
        sys.modules[module.__name__] = importlib.import_module(f"dlmath.{module.__name__}")
