"""The batch protocol: one JSON object a line in, one a line out, in order."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Final

from vedette.cli.output import json_line
from vedette.core.errors import InvalidInput, VedetteError

log = logging.getLogger(__name__)
MAX_LINE: Final = 4 * 1024 * 1024
"""The longest line that is read, in bytes."""
MAX_PIPED: Final = 4 * 1024 * 1024
"""The longest query that is read from standard input, in bytes."""


def piped(text: str | None) -> str | None:
    """The query of a command line: the argument, or what comes through standard input if there is none or it is `-`.

    None where nothing is given and nobody pipes anything in. Raises `InvalidInput` for a text that is not UTF-8 or too long.
    """
    if text not in (None, "-") or (text is None and sys.stdin.isatty()):
        return text
    content = sys.stdin.buffer.read(MAX_PIPED + 1)
    if len(content) > MAX_PIPED:
        raise InvalidInput(f"The query has more than {MAX_PIPED} bytes.", file="<stdin>")
    try:
        query = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The query is not UTF-8: byte {error.start + 1}.", file="<stdin>") from None
    return query if query.strip() else None


def answer_all(answer: Callable[[str], dict[str, object]], failed: Callable[[VedetteError], dict[str, object]]) -> int:
    """Answers every question on standard output, each at once.

    `failed` makes the answer of a question that ended in an error which is not about its text; a line that is no question is
    answered so with the id null, and those after it are answered all the same. The result is the number of such lines.
    """
    strange = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        if not line.strip():
            continue
        identity: object = None
        try:
            identity, text = _question(line, number)
        except InvalidInput as error:
            strange += 1
            found = failed(error)
        else:
            found = _answered(answer, failed, text)
        sys.stdout.write(json_line({"id": identity, **found}) + "\n")
        sys.stdout.flush()
    return strange


def _answered(
    answer: Callable[[str], dict[str, object]], failed: Callable[[VedetteError], dict[str, object]], text: str
) -> dict[str, object]:
    try:
        return answer(text)
    except VedetteError as error:
        return failed(error)
    except Exception as error:  # one question's fault is not the others'
        log.exception("a question of the batch failed")
        return failed(VedetteError(f"Vedette failed where it should not ({type(error).__name__}).", code="VDT0500"))


def _question(line: bytes, number: int) -> tuple[object, str]:
    import orjson

    if len(line) > MAX_LINE:
        raise InvalidInput(f"The line has more than {MAX_LINE} bytes.", file="<stdin>", line=number)
    try:
        question = orjson.loads(line)
        identity, text = question["id"], question["query"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise InvalidInput(f'Line {number} is not a JSON object with "id" and "query".', file="<stdin>", line=number)
    return identity, text
