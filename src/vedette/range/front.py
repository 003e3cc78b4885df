"""What the front doors of Graph and of Azure Resource Manager have in common: bodies, tokens, the usual words of a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request

MAX_BODY: Final = 4 * 1024 * 1024
Words = Mapping[int, tuple[str, str]]
"""Code and message that a service usually gives with a status."""


def usual(words: Words, status: int, code: str | None, message: str | None) -> tuple[str, str]:
    """Code and message of a fault; where it has none, the usual ones."""
    usual_code, usual_message = words.get(status, ("Failed", "The request failed."))
    return code or usual_code, message or usual_message


def bearer(authorization: str | None, missing: Callable[[], Exception], other: Callable[[], Exception]) -> str:
    """The token of the header; raises what is made where there is no header, or one of another scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    if not authorization:
        raise missing()
    if scheme.lower() != "bearer":
        raise other()
    return token.strip()


async def read_json(
    request: Request, refused: Callable[[int, str, str], Exception], malformed: Callable[[], Exception]
) -> Any:
    """The JSON of a request that writes, or None; raises what is made where it is too large or no JSON."""
    if request.method not in ("PUT", "POST", "PATCH"):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise refused(413, "RequestEntityTooLarge", f"The request is larger than {MAX_BODY} bytes.")
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise malformed() from None
