"""The batch protocol: one JSON object a line in, one a line out, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import orjson

from vedette.cli.output import json_line
from vedette.core.errors import InvalidInput

MAX_LINE = 4 * 1024 * 1024
"""The longest line that is read, in bytes."""


def questions() -> Iterator[tuple[object, str]]:
    """The id and query of each line of standard input.

    Raises InvalidInput, with the line, for one that is not `{"id", "query"}`.
    """
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            raise InvalidInput(f"The line has more than {MAX_LINE} bytes.", file="<stdin>", line=number)
        try:
            question = orjson.loads(line)
            yield question["id"], str(question["query"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise InvalidInput(
                'The line is not a JSON object with "id" and "query".', file="<stdin>", line=number
            ) from None


def answer_all(answer: Callable[[str], dict[str, object]]) -> None:
    """Answers every question on standard output."""
    for identity, query in questions():
        sys.stdout.write(json_line({"id": identity, **answer(query)}) + "\n")
        sys.stdout.flush()
