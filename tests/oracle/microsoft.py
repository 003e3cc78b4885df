"""Microsoft's own parser and binder, asked over a pipe: one question a line, one answer a line."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGE = Path("node_modules") / "@kusto" / "language-service-next"


@dataclass(frozen=True)
class Finding:
    """One diagnostic; `start` counts UTF-16 units."""

    code: str
    start: int
    message: str
    syntax: bool = False


@dataclass(frozen=True)
class Answer:
    """What one side says of a text."""

    findings: tuple[Finding, ...]
    columns: tuple[tuple[str, str], ...] | None

    @property
    def accepted(self) -> bool:
        return not self.findings


def installed() -> Path | None:
    """The folder in which the package is installed (`make setup-dev` does it), or None."""
    return HERE if (HERE / PACKAGE / "package.json").is_file() else None


def reason_absent() -> str | None:
    """Why Microsoft's parser cannot be asked here, or None."""
    if shutil.which("node") is None:
        return "node is absent"
    if installed() is None:
        return "Microsoft's language service is not installed (make setup-dev installs it where npm is present)"
    return None


class Microsoft:
    """The running program. It is started anew when a question takes too long."""

    def __init__(self, program: Path, folder: Path, seconds: float = 20.0) -> None:
        self._program = program
        self._folder = folder
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Microsoft:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the program."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        # deep trees need more of a stack than node gives
        process = subprocess.Popen(
            ["node", "--stack-size=8000", str(self._program)],
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        answers: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    answers.put(line)
            except ValueError:
                pass
            answers.put(None)

        threading.Thread(target=read, daemon=True).start()
        self._process, self._answers = process, answers
        return process

    def ask(self, text: str) -> dict[str, Any] | None:
        """The raw answer; None where there is none in time."""
        process = self._process
        waiting = self._seconds
        if process is None:
            process = self._start()
            waiting += 30
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"id": 0, "query": text}) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=waiting)
        except (OSError, queue.Empty):
            line = None
        if line is None:
            self.close()
            return None
        found: dict[str, Any] = json.loads(line)
        return found

    def check(self, text: str) -> Answer | None:
        """What it says of a text; None where it does not say it in time, or fails itself."""
        found = self.ask(text)
        return None if found is None else answer_of(found)


def answer_of(found: dict[str, Any]) -> Answer | None:
    """A raw answer with its errors alone, in the order of the text."""
    if any(d["code"] == "ORACLE" for d in found["diagnostics"]):
        return None
    findings = [
        Finding(d["code"], d["start"], d["message"], d["syntax"])
        for d in found["diagnostics"]
        if d["severity"] == "Error"
    ]
    findings.sort(key=lambda f: f.start)
    columns = found["columns"]
    return Answer(tuple(findings), None if columns is None else tuple((c["name"], c["type"]) for c in columns))
