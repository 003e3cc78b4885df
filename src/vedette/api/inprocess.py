"""The REST API within this process: a command without a server asks the same routes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx

from vedette.api.answers import failure

if TYPE_CHECKING:
    from vedette.api.application import Application


_SECONDS: Final = 24 * 3600.0
"""How long an answer may take; nothing is on the way but this process."""


class LocalApi:
    """The routes of one workspace, as the owner of the data directory."""

    def __init__(self, application: Application, workspace_id: str) -> None:
        from vedette.api.server import PREFIX, create_app  # which imports every route

        self._app = create_app(application)
        self._prefix, self._base = PREFIX, f"{PREFIX}/workspaces/{workspace_id}"
        self._token = application.identity.issue_process_token()

    def request(self, method: str, path: str, *, everywhere: bool = False, **arguments: Any) -> Any:
        """What a route of the workspace, or with `everywhere` of the installation, answers. Raises as the route does."""
        address = (self._prefix if everywhere else self._base) + path
        answer = asyncio.run(self._answer(method, address, arguments))
        if answer.is_success:
            return answer.json() if answer.content else None
        raise failure(answer)

    async def _answer(self, method: str, address: str, arguments: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=_SECONDS
        ) as client:  # fmt: skip
            return await client.request(method, address, **arguments)
