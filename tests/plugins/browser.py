"""The real browser that console tests drive. They run one after another, in one process (`tests.plugins.workers`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

VARIABLE = "VEDETTE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
MISSING = f"no Chromium was found (Debian: apt-get install chromium; elsewhere set {VARIABLE})"


def find_chromium() -> Path | None:
    """The browser's program, or None."""
    stated = os.environ.get(VARIABLE)
    if stated:
        return Path(stated)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return next((Path(place) for place in PLACES if Path(place).is_file()), None)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of an installed Chromium (or a relative of it)."""
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    return path
