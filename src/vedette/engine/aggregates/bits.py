"""Bitwise and, or and exclusive or of a group's values."""

from __future__ import annotations

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment


def _register(word: str, function: str) -> None:
    @aggregate(
        f"binary_all_{word}(expr: integer): same(expr)", names="first",
        about=f"The bitwise {word} of all values.", page=f"binary-all-{word}-aggregation-function",
    )  # fmt: skip
    def bits(sql: DuckDbSql, value: Fragment) -> str:
        return f"{function}({value})"


_register("and", "bit_and")
_register("or", "bit_or")
_register("xor", "bit_xor")
