"""A query that goes on: one more operator behind what its last statement gives."""

from __future__ import annotations

from typing import Final

from vedette.kql.lexer import END, Tokens, tokenize

_OPENS: Final = frozenset("([{")
_CLOSES: Final = frozenset(")]}")


def continued(text: str, operator: str) -> str:
    """The query with `operator` at its end. What ends it (semicolons, comments, a `render`) stands before nothing else."""
    tokens = tokenize(text)
    last = len(tokens.kinds) - 1
    while last >= 0 and tokens.kinds[last] in (END, ";"):
        last -= 1
    if last < 0:
        return text
    pipe = _last_pipe(tokens, last)
    shown = pipe is not None and tokens.text[tokens.starts[pipe + 1] : tokens.ends[pipe + 1]] == "render"
    end = tokens.starts[pipe] if shown and pipe is not None else tokens.ends[last]
    return f"{text[:end].rstrip()}\n| {operator}"


def _last_pipe(tokens: Tokens, last: int) -> int | None:
    """The pipe before the last operator of the last statement, whatever stands in brackets."""
    depth = 0
    for at in range(last, -1, -1):
        kind = tokens.kinds[at]
        depth += (kind in _CLOSES) - (kind in _OPENS)
        if depth == 0 and kind == ";":
            return None
        if depth == 0 and kind == "|":
            return at
    return None
