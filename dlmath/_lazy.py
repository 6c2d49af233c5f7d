"""Public names of a package that are imported on first use, so that importing it stays instant."""

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str], subpackages: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package whose names load on first use.

        __getattr__, __dir__ = lazy_names(__name__, {"predict": "dlmath.inference.predict_files"})

    The package imports the same names under `if TYPE_CHECKING`, where mypy and editors see them.

    Args:
        package: The name of the package.
        homes: For each public name the module that defines it.
        subpackages: Names of packages inside `package` that are attributes of it, too.
    """

    def load(name: str) -> Any:
        if name in subpackages:
            return importlib.import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # the next time it is found without this
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *subpackages})

    return load, listed
