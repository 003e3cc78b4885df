"""A process beside this one that runs a module of Vedette: work that would keep everybody else here waiting for the interpreter.

It reads what it is to do from its standard input and answers on its standard output. It ends when its input does, and so with this
process, however that ends. It is no place for secrets: the settings are not in its environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Final

_PACKAGES: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 5.0
"""Seconds that a process has to end after its input did."""


class Companion:
    """One such process: started when it is first asked for, and again after it has ended. Its user takes care that one at a time asks."""

    def __init__(self, module: str) -> None:
        """`module` is run as a program."""
        self._module = module
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None else process.pid

    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Where to write to it, and to read from it. Raises OSError where the system does not give a process."""
        with self._guard:
            if self._process is None or self._process.poll() is not None:
                self._put_away()
                self._process = self._started()
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            return self._process.stdin, self._process.stdout

    def end(self) -> None:
        """End it now, whatever it does; who reads from it meets the end of the pipe. Any thread may."""
        with self._guard:
            if self._process is not None:
                self._process.kill()
            self._put_away()

    def _put_away(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.wait(_PATIENCE)

    def _started(self) -> subprocess.Popen[bytes]:
        if not sys.executable:
            raise OSError("there is no program to run Python with")
        from vedette.core.settings import PREFIX  # what runs there needs no settings, and no time to import them

        own = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
        own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_PACKAGES), own.get("PYTHONPATH")]))
        # -P: what lies in the working directory is no module
        command = [sys.executable, "-P", "-m", self._module]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=own)  # noqa: S603


def left_alone() -> None:
    """For the process itself, when it begins: Ctrl-C is for the one that it works for, whose end it learns of by its input's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
