"""The pages of the documentation that are written from the program itself; `python -m tools.pages` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.pages import cli, connectors, destinations, kql, settings

ROOT = Path(__file__).resolve().parents[2]

PAGES: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli.render,
    "docs/connectors/index.md": connectors.render,
    "docs/destinations/others.md": destinations.render,
    "docs/kql.md": kql.render,
    "docs/settings.md": settings.render,
}
"""What renders each page."""
