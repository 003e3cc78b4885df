"""Installs Debian's packages that some tests need, when run by root on Debian; otherwise says what will be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.browser import find_chromium
from tests.plugins.postgres import find_programs


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package, how to see that what it brings is there, and what is skipped without it."""

    name: str
    present: Callable[[], bool]
    without: str


PACKAGES = (
    SystemPackage("postgresql", lambda: find_programs() is not None, "tests on PostgreSQL"),
    SystemPackage("chromium", lambda: find_chromium() is not None, "tests that drive a browser"),
    SystemPackage(
        "rsyslog",
        lambda: bool(shutil.which("rsyslogd")) or Path("/usr/sbin/rsyslogd").exists(),
        "tests with a real syslog sender",
    ),
)


def install(names: list[str]) -> str | None:
    """Installs by apt-get; None when done, else why not in one line."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # A service that a package would start has no business in a test run.
    policy = Path("/usr/sbin/policy-rc.d")
    own_policy = not policy.exists()
    if own_policy:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    try:
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "--no-install-recommends", *names]):
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900
            )
            if done.returncode:
                lines = (done.stderr or done.stdout).strip().splitlines()
                return f"{' '.join(command[:2])} failed: {lines[-1] if lines else done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        if own_policy:
            policy.unlink(missing_ok=True)
    return None


def main() -> int:
    """Never fails: a test that misses something says so itself."""
    missing = [one for one in PACKAGES if not one.present()]
    if not missing:
        return 0
    names = " ".join(one.name for one in missing)
    if sys.platform != "linux" or not shutil.which("apt-get"):
        why: str | None = "this is not Debian"
    elif os.geteuid() != 0:
        why = f"only root can (apt-get install {names})"
    else:
        print(f"installing Debian's packages {names}", flush=True)
        why = install([one.name for one in missing])
    for one in missing:
        if not one.present():
            print(f"{one.name} is not installed, {why}: {one.without} will be skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
