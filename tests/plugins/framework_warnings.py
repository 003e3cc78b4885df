"""A warning of pydantic that FastAPI silences for what it does itself, and that gets through here all the same."""

from __future__ import annotations

import pytest

ALIAS = "ignore:The 'alias' attribute with value:Warning"
"""FastAPI silences it by `warnings.catch_warnings`, which is for one thread: a server's thread does so while pytest does for a test."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", ALIAS)
