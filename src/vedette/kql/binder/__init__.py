"""The binder: from a syntax tree to a bound tree, with names, types and result columns as Kusto makes them."""

from vedette.kql.binder.core import Binder, bind

__all__ = ["Binder", "bind"]
