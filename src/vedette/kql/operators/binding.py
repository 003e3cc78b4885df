"""The registry of operator binders: which function binds which syntax node."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from vedette.kql.syntax import Operator

OperatorBinder = Callable[..., Any]
OPERATOR_BINDERS: dict[type[Operator], OperatorBinder] = {}


def binds(kind: type[Operator]) -> Callable[[OperatorBinder], OperatorBinder]:
    """Registers `bind(binder, node, input, scope) -> Relation` for a kind of operator."""

    def register(function: OperatorBinder) -> OperatorBinder:
        OPERATOR_BINDERS[kind] = function
        return function

    return register


@functools.cache
def load_binders() -> None:
    """Imports every module of `kql/binder/operators`, so that each registers itself."""
    package = importlib.import_module("vedette.kql.binder.operators")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
