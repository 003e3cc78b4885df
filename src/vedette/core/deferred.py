"""Libraries that are imported when they are first used.

A check of a query needs every unit's signature and none of the libraries that the units compute with; importing those
takes longer than everything else together. Where one is wanted:

    if TYPE_CHECKING:
        import numpy as np
    else:
        np = deferred("numpy")
"""

from __future__ import annotations

import importlib
from types import ModuleType


class _Deferred:
    """Stands for a module until an attribute of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> object:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        value = getattr(self._module, attribute)
        # found here the next time, at the speed of any module's attribute
        self.__dict__[attribute] = value
        return value


def deferred(name: str) -> _Deferred:
    """The module of that name, which is imported when an attribute of it is first asked for."""
    return _Deferred(name)
