"""Pages of Azure Resource Manager: `nextLink` with a `$skiptoken`."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final
from urllib.parse import quote

from vedette.range.arm.errors import bad_request
from vedette.range.arm.operations import ArmRequest, ArmResponse
from vedette.range.documents import Document
from vedette.range.odata import ODataError, read_filter, read_order, sort_key, value_at

PAGE: Final = 100
MAX_PAGE: Final = 1000


def page(request: ArmRequest, documents: list[Document], size: int = PAGE, key: str = "id") -> ArmResponse:
    """One page; `nextLink` while there is more.

    A page starts behind the last resource of the one before it. Where that is gone meanwhile, it starts at its place.
    """
    top = request.query.get("$top")
    if top is not None:
        if not top.isascii() or not top.isdigit() or not int(top):
            raise bad_request(f"The value '{top}' of $top is not a positive number.")
        size = min(int(top), MAX_PAGE)
    start = 0
    if token := request.query.get("$skiptoken"):
        start = _start(token, documents, key)
    shown = documents[start : start + size]
    body: dict[str, Any] = {"value": shown}
    if start + size < len(documents):
        position = f"{start + size} {shown[-1][key]}"
        given = base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")
        kept = "".join(
            f"&{name}={quote(value, safe='')}"
            for name, value in request.query.items()
            if name not in ("api-version", "$skiptoken")
        )
        path = quote(request.path.text)
        body["nextLink"] = f"{request.origin}{path}?api-version={request.api_version}{kept}&$skipToken={given}"
    return ArmResponse(200, body)


def asked(request: ArmRequest, documents: list[Document]) -> ArmResponse:
    """One page of the resources that `$filter` lets through, in the order of `$orderby`."""
    try:
        if text := request.query.get("$filter"):
            fits = read_filter(text)
            documents = [one for one in documents if fits(one)]
        for path, descending in reversed(
            read_order(request.query["$orderby"]) if request.query.get("$orderby") else []
        ):
            documents = sorted(documents, key=lambda one, path=path: sort_key(value_at(one, path)), reverse=descending)  # type: ignore[misc]
    except ODataError as error:
        raise bad_request(str(error)) from None
    return page(request, documents)


def _start(token: str, documents: list[Document], key: str) -> int:
    try:
        at, _, name = base64.urlsafe_b64decode(token.encode() + b"==").decode().partition(" ")
        number = int(at)
    except (binascii.Error, ValueError):
        raise bad_request("The $skipToken is not valid.") from None
    if 0 < number <= len(documents) and documents[number - 1][key] == name:
        return number
    return next((index + 1 for index, each in enumerate(documents) if each[key] == name), max(0, number - 1))
