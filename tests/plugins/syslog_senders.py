"""Real syslog senders: rsyslog, syslog-ng and logger, where they are installed.

Debian's rsyslog and syslog-ng exclude each other, so `tools/system_packages.py` unpacks syslog-ng into a folder of its own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def unpacked() -> Path:
    """Where packages are unpacked that cannot be installed."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette-tests" / "packages"


def find_rsyslog() -> str | None:
    """rsyslog's program."""
    found = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
    return found if Path(found).exists() else None


def find_syslog_ng() -> tuple[list[str], dict[str, str]] | None:
    """syslog-ng's command, and what its environment needs beside the usual."""
    if found := shutil.which("syslog-ng"):
        return [found], {}
    root = unpacked()
    program = root / "usr/sbin/syslog-ng"
    if not program.exists():
        return None
    libraries = {str(path.parent) for path in root.rglob("*.so*") if "/lib" in str(path)}
    modules = next((path for path in sorted((root / "usr/lib/syslog-ng").glob("[0-9]*")) if path.is_dir()), None)
    if modules is None:
        return None
    return [str(program), f"--module-path={modules}"], {"LD_LIBRARY_PATH": ":".join(sorted(libraries))}
