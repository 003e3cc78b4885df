"""Which tests stay together on one worker of pytest-xdist: those that share what takes long to start. All others go where there is room."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browser/", "tests/packaging/")


class TogetherScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist is not typed
    """A folder of `TOGETHER` is one piece of work, and every other test one of its own."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> TogetherScheduling:
    return TogetherScheduling(config, log)
