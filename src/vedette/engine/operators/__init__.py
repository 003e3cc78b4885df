"""Tabular operators: from a bound relation to SQL, one a file."""

from __future__ import annotations

import functools
import importlib
import pkgutil


@functools.cache
def load_operators() -> None:
    """Imports every operator, so that each registers how it becomes SQL."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
