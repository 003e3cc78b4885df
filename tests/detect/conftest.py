"""What the detect room's tests share."""

from __future__ import annotations

from tests.plugins.state import NOON

__all__ = ["NOON"]
