"""kill -9 at random moments: a program of the tests is run and killed again and again, and then runs to its end."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def killed_again_and_again(module: str, path: Path, *, times: int, seed: int, least: float, most: float) -> None:
    """Runs `python -m module path`, which says when it is ready, and kills it `least` to `most` seconds after that; at last lets it end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    command = [sys.executable, "-m", module, str(path)]
    chance = random.Random(seed)
    killed = 0
    for _ in range(times):
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(least, most))
            killed += process.poll() is None
            process.kill()
    assert killed >= 1
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
