"""ServiceNow's Table API."""

from __future__ import annotations

from typing import Any

from vedette.range.state import FakeTenant


def plant(tenant: FakeTenant, document: dict[str, Any]) -> None:
    """Add what a seed says of the instance."""
