"""Reads the fenced code blocks of a Markdown page and runs them by their kind.

`KINDS` is the whole list: a block of another kind, or of none, is an error. The blocks of one page run in order, in one
temporary directory, so that a later block can use what an earlier one made.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from tests.docs.fork_server import CLIENT

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
SECONDS = 240


class BlockError(AssertionError):
    """A block that is of no known kind, or did not do what it shows; the message begins with file:line."""


@dataclass(frozen=True)
class Block:
    """One fenced block: where it opens (1-based line), its kind, its text without the common indent."""

    page: Path
    line: int
    kind: str
    text: str

    def fail(self, why: str) -> BlockError:
        """The error to raise."""
        return BlockError(f"{self.page.name}:{self.line}: {why}")


@cache
def _program() -> str:
    """The program `vedette`: Python's own start where the system cannot fork, a call of the process that forks elsewhere."""
    if not hasattr(os, "fork"):
        return f"#!{sys.executable}\nimport sys\nfrom vedette.cli.main import main\nsys.exit(main())\n"
    address = str(Path(tempfile.mkdtemp(prefix="vedette-fork-")) / "s")  # short: a socket's path has some 100 bytes
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.docs.fork_server", address],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"

    def end() -> None:
        server.communicate()
        shutil.rmtree(Path(address).parent)

    atexit.register(end)
    return CLIENT.format(python=sys.executable, address=address)


@dataclass
class Session:
    """What the blocks of one page share: a directory, and variables for the programs that they start."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        self.work.mkdir()
        command = programs / "vedette"
        command.write_text(_program(), encoding="utf-8")
        command.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
        self.environment = kept | {
            "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(self.folder),
            "NO_COLOR": "1",
            "COLUMNS": "160",
        }

    @property
    def work(self) -> Path:
        """The directory that blocks run in."""
        return self.folder / "work"

    def run(self, block: Block, command: list[str], stdin: str = "") -> str:
        """The standard output of a program; fails the block on any exit code but 0."""
        try:
            done = subprocess.run(
                command,
                cwd=self.work,
                env=self.environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise block.fail(f"still running after {SECONDS} s") from error
        if done.returncode:
            raise block.fail(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def read_blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of the page; BlockError on one that is never closed."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        start, indent, body = number, len(opening["indent"]), []
        while number < len(lines) and lines[number].strip() != opening["fence"]:
            body.append(lines[number][indent:] if not lines[number][:indent].strip() else lines[number])
            number += 1
        words = opening["info"].split()
        block = Block(page, start, words[0] if words else "", "\n".join(body) + "\n")
        if number == len(lines):
            raise block.fail("the block is never closed")
        number += 1
        yield block


def run_bash(block: Block, session: Session) -> None:
    """Commands, as a reader would paste them; each has to succeed."""
    bash = shutil.which("bash")
    if bash is None:
        raise block.fail("there is no bash to run it")
    session.run(block, [bash, "-eu", "-o", "pipefail", "-c", block.text])


def run_python(block: Block, session: Session) -> None:
    """A Python program of its own."""
    session.run(block, [sys.executable, "-c", block.text])


def run_kql(block: Block, session: Session) -> None:
    """A query, in an empty workspace that knows the schemas of the known tables."""
    line = json.dumps({"id": "block", "query": block.text})
    answer = json.loads(session.run(block, ["vedette", "query", "--batch"], stdin=line + "\n"))
    if "error" in answer:
        error = answer["error"]
        raise block.fail(f"{error.get('code')} {error.get('message')} (line {error.get('line')} of the query)")
    if not answer.get("columns"):
        raise block.fail("the query answered without columns")


def _parse(block: Block, parse: Callable[[str], object], errors: type[Exception]) -> None:
    try:
        parse(block.text)
    except errors as error:
        raise block.fail(f"not valid {block.kind}: {error}") from error


def run_json(block: Block, session: Session) -> None:
    """One JSON value."""
    _parse(block, json.loads, json.JSONDecodeError)


def run_yaml(block: Block, session: Session) -> None:
    """YAML, one document or several."""
    _parse(block, lambda text: list(yaml.safe_load_all(text)), yaml.YAMLError)


def run_toml(block: Block, session: Session) -> None:
    """A TOML document."""
    _parse(block, tomllib.loads, tomllib.TOMLDecodeError)


def show(block: Block, session: Session) -> None:
    """Something to read: output, a layout, commands that belong on another machine. Not run."""


KINDS: Mapping[str, Callable[[Block, Session], None]] = {
    "bash": run_bash,
    "python": run_python,
    "kql": run_kql,
    "json": run_json,
    "yaml": run_yaml,
    "toml": run_toml,
    "text": show,
}


def run_page(page: Path, session: Session) -> int:
    """Runs every block of the page in order; how many there were."""
    blocks = list(read_blocks(page))
    for block in blocks:
        runner = KINDS.get(block.kind)
        if runner is None:
            raise block.fail(f"the block's kind is {block.kind or 'missing'!r}; known kinds: {', '.join(KINDS)}")
        runner(block, session)
    return len(blocks)
