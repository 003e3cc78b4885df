"""Whether the server is there."""

from __future__ import annotations

from fastapi import APIRouter

from vedette import __version__
from vedette.api.wire import Wire

router = APIRouter(tags=["health"])


class Health(Wire):
    """The server's state."""

    status: str
    version: str


@router.get("/health")
def health() -> Health:
    """Answers without a sign-in."""
    return Health(status="ok", version=__version__)
