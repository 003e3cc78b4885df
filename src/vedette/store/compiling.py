"""The text of a function as one that queries can call."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

from vedette.core.errors import InvalidInput
from vedette.kql import syntax
from vedette.kql.diagnostics import Diagnostic, position, sentence
from vedette.kql.host import SavedFunction
from vedette.kql.parser import parse

_OPENING: Final = "let f = ("


@functools.lru_cache(maxsize=512)
def compiled(name: str, parameters: str, body: str) -> SavedFunction:
    """A function that can be called. Raises `InvalidInput` with the place of what cannot be read."""
    opened = (
        f"{_OPENING}{parameters.strip().removeprefix('(').removesuffix(')') if _closed(parameters) else parameters}"
    )
    script, diagnostics = parse(opened + ") { print 1 }; print 1")
    fault = _first(diagnostics)
    if fault is not None:
        where = max(1, fault.start - len(_OPENING) + 1)
        raise InvalidInput(
            f"The parameters of the function '{name}' cannot be read at character {where}: {sentence(fault.message)}",
            code=fault.code, target=name,
        )  # fmt: skip
    let = script.statements[0]
    assert isinstance(let, syntax.LetStatement)
    assert isinstance(let.value, syntax.FunctionLiteral)
    content, diagnostics = parse(body)
    fault = _first(diagnostics)
    if fault is not None:
        line, column = position(body, fault.start)
        raise InvalidInput(
            f"The function '{name}' cannot be read: line {line}, column {column}: {sentence(fault.message)}",
            code=fault.code, target=name, line=line, column=column,
        )  # fmt: skip
    if not any(isinstance(statement, syntax.ExpressionStatement) for statement in content.statements):
        raise InvalidInput(f"The function '{name}' has no expression that would be its result.", target=name)
    literal = syntax.FunctionLiteral(let.value.parameters, list(content.statements), False, start=0, end=len(body))
    return SavedFunction(name, literal, body)


def _closed(parameters: str) -> bool:
    """Whether the text has the parentheses around it that are not part of it."""
    text = parameters.strip()
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for place, mark in enumerate(text):
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _first(diagnostics: Iterable[Diagnostic]) -> Diagnostic | None:
    return next((one for one in diagnostics if one.severity == "Error"), None)
