"""Installs Debian's packages that some tests need, when run by root on Debian; otherwise says what will be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.browser import find_chromium
from tests.plugins.postgres import find_programs
from tests.plugins.syslog_senders import find_rsyslog, find_syslog_ng, unpacked


@dataclass(frozen=True)
class SystemPackage:
    """A Debian package, how to see that what it brings is there, and what is skipped without it."""

    name: str
    present: Callable[[], bool]
    without: str
    unpack: tuple[str, ...] = ()
    """Packages that are unpacked into a folder instead, because the package excludes another one of these."""


PACKAGES = (
    SystemPackage("postgresql", lambda: find_programs() is not None, "tests on PostgreSQL"),
    SystemPackage("chromium", lambda: find_chromium() is not None, "tests that drive a browser"),
    SystemPackage(
        "rsyslog",
        lambda: find_rsyslog() is not None,
        "tests with a real syslog sender",
    ),
    SystemPackage(
        "rsyslog-pgsql",
        lambda: any(unpacked().rglob("rsyslog/ompgsql.so")),
        "the measurement beside rsyslog with PostgreSQL",
        unpack=("rsyslog-pgsql",),  # installed, it would ask for a database
    ),
    SystemPackage(
        "rsyslog-elasticsearch",
        lambda: any(unpacked().rglob("rsyslog/omelasticsearch.so")),
        "the test of the bulk API with rsyslog as the sender",
        unpack=("rsyslog-elasticsearch",),
    ),
    SystemPackage(
        "syslog-ng-core",
        lambda: find_syslog_ng() is not None,
        "tests with syslog-ng as the sender",
        unpack=("syslog-ng-core", "libivykis0", "libnet1", "libwrap0", "libjson-c5", "libpcre3"),
    ),
)


def install(names: list[str]) -> str | None:
    """Installs by apt-get (none: brings the lists up to date); None when done, else why not in one line."""
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


def unpack(names: tuple[str, ...]) -> str | None:
    """Downloads by apt-get and unpacks into the tests' folder; None when done, else why not in one line."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                ["apt-get", "download", "-qq", *names], cwd=folder, capture_output=True, text=True, timeout=900
            )
            for package in sorted(Path(folder).glob("*.deb")):
                unpacked().mkdir(parents=True, exist_ok=True)
                subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked())], check=True, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
    return (done.stderr.strip().splitlines() or ["apt-get download failed"])[-1] if done.returncode else None


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
        why = install([one.name for one in missing if not one.unpack])
        for one in missing:
            if one.unpack:
                why = unpack(one.unpack) or why
    for one in missing:
        if not one.present():
            print(f"{one.name} is not installed, {why}: {one.without} will be skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
