"""Export a trained classifier in formats for other programs; each export is verified."""

import sys
from types import ModuleType
from typing import Any

from dlmath.export.formats import FORMATS, export

__all__ = ["FORMATS", "export"]


class _Export(ModuleType):
    """Lets `dlmath.export(run)` work whichever `dlmath.export` names just then.

    Python binds a package to its name in the package above when it is first imported, and
    would so hide the function of that name, which the facade has.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return export(*args, **kwargs)


sys.modules[__name__].__class__ = _Export
