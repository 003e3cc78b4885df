"""The catalogue that all units of this engine register into."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from vedette.kql.catalog import Catalog

CATALOG = Catalog()
scalar = CATALOG.scalar
operator = CATALOG.operator
aggregate = CATALOG.aggregate
window = CATALOG.window
plugin = CATALOG.plugin


@functools.cache
def full_catalog() -> Catalog:
    """The catalogue with every family loaded."""
    for family in ("functions", "aggregates", "plugins"):
        package = importlib.import_module(f"vedette.engine.{family}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    return CATALOG
