"""Rules of the repository that no linter knows: sizes of modules, names of hosts and machines, lock files."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 550
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".ts", ".tsx", ".css", ".tsv", ".service", ""}
# Hosts that packages come from: where they come from is the business of whoever installs them.
REGISTRIES = re.compile(r"(?:registry\.npmjs\.org|pypi\.org|files\.pythonhosted\.org|registry\.yarnpkg\.com)")
MACHINE = re.compile(r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/")


def _versioned() -> list[Path]:
    try:
        done = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: what is under version control is not known")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def _texts() -> Iterator[tuple[Path, str]]:
    for path in _versioned():
        if path.suffix in TEXT and path != Path(__file__).resolve():
            yield path, path.read_text(encoding="utf-8")


def test_no_module_is_too_long() -> None:
    modules = [path for path in (ROOT / "src").rglob("*.py") if path.is_file()]
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for path in modules
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert modules
    assert long == {}, f"split these modules: {long}"


def test_no_module_is_called_utils() -> None:
    assert [
        path for path in (ROOT / "src").rglob("*.py") if path.stem in {"utils", "util", "helpers", "misc", "common"}
    ] == []


def test_no_file_names_a_package_registry() -> None:
    assert [path.relative_to(ROOT).as_posix() for path, text in _texts() if REGISTRIES.search(text)] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert found == []


def test_lock_files_pin_by_content_and_name_no_host() -> None:
    locks = [path for path in _versioned() if path.name == "package-lock.json"]
    for lock in locks:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        for name, entry in packages.items():
            assert "resolved" not in entry, f"{lock}: {name} names a host"
            if name and not entry.get("link"):
                assert entry.get("integrity"), f"{lock}: {name} has no checksum"


def test_every_source_file_is_utf_8_with_unix_line_ends() -> None:
    assert [
        path.relative_to(ROOT).as_posix()
        for path in _versioned()
        if path.suffix in TEXT and b"\r\n" in path.read_bytes()
    ] == []
