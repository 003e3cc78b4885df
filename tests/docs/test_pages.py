"""The documentation matches the program, and its site builds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.pages import PAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_what_the_program_says(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), "run `make pages`"


def _build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--config-file",
        str(source / "mkdocs.yml"),
    ]
    return subprocess.run([*command, "--site-dir", str(site)], capture_output=True, text=True, timeout=240)


@pytest.fixture
def documentation(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


def test_the_site_builds(documentation: Path) -> None:
    done = _build(documentation, documentation / "site")
    assert done.returncode == 0, done.stderr
    assert "Vedette" in (documentation / "site" / "index.html").read_text(encoding="utf-8")


def test_the_site_asks_nothing_of_other_hosts(documentation: Path) -> None:
    _build(documentation, documentation / "site")
    for page in (documentation / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "fonts.googleapis" not in text
        assert '<script src="http' not in text


@pytest.mark.parametrize("text", ["[gone](gone.md)\n", "[gone](#no-such-heading)\n"])
def test_a_dead_link_fails_the_build(documentation: Path, text: str) -> None:
    with (documentation / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write("\n" + text)
    assert _build(documentation, documentation / "site").returncode != 0


def test_a_page_left_out_of_the_navigation_fails_the_build(documentation: Path) -> None:
    (documentation / "docs" / "stray.md").write_text("# Stray\n", encoding="utf-8")
    assert _build(documentation, documentation / "site").returncode != 0
