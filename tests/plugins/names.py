"""Names of test cases, which every worker must find alike."""

from __future__ import annotations

import pytest


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes that are no plain text are named after their argument: packed ones hold the second in which they were packed, and
    workers that gathered the tests in different seconds would refuse to start."""
    if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()):
        return argname
    return None
