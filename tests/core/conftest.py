"""Fixtures of the core room's tests."""

from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture
def python_environment() -> dict[str, str]:
    """The environment of a child process that shall find the same packages as this one."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
