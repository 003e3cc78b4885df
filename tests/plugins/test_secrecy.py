"""The search for secrets finds one wherever a test lets it out, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAKS = {
    "log": ("log", 'logging.getLogger("x").warning("it is %s", SECRET)'),
    "printed": ("stdout", "print(SECRET)"),
    "read_from_capture": ("stderr", 'print(SECRET, file=sys.stderr); capsys.readouterr()'),
    "process": ("stdout of a process", "subprocess.run([sys.executable, '-c', f'print({SECRET!r})'], stdout=-1, check=True)"),
    "answer": ("the answer of GET /api/v1/secrets", 'answer("/api/v1/secrets", SECRET)'),
    "file": ("the file deep/er/state.db", 'write("deep/er/state.db", b"\\0" * 20_000_000 + SECRET.encode())'),
    "packed": ("the file old.log.gz", 'write("old.log.gz", gzip.compress(SECRET.encode()))'),
    "base64": ("the file log.txt", 'write("log.txt", base64.b64encode(b"user:" + SECRET.encode()))'),
    "tables": ("the file logs.duckdb", 'tables("logs.duckdb", [f"{SECRET} {n % 7}" for n in range(9000)])'),
}  # fmt: skip
INNOCENT = {
    "redacted": 'print("[redacted]")',
    "other_server": 'answer("/v1.0/applications", SECRET)',
    "hidden": 'write("state.db", bytes(255 - byte for byte in SECRET.encode()))',
}
PROGRAM = """
import base64, gzip, logging, subprocess, sys
import duckdb, httpx, pytest
from tests.plugins.secrecy import marked

SECRET = marked("mail password")

def answer(path, text):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=text))
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        client.get(path)

@pytest.fixture
def write(tmp_path):
    def write(name, data):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return write

@pytest.fixture
def tables(tmp_path):
    def tables(name, texts):
        with duckdb.connect(str(tmp_path / name)) as held:
            held.execute("CREATE TABLE t AS SELECT unnest($texts) AS a", {"texts": texts})
    return tables

@pytest.fixture(scope="session")
def between(tmp_path_factory):
    return tmp_path_factory.mktemp("between")

def test_shared(between):
    (between / "server.json").write_text(SECRET)

@pytest.mark.secret_input("*.env")
def test_input(tmp_path):
    (tmp_path / "my.env").write_text(SECRET)
"""


@pytest.mark.secret_input("*")
@pytest.mark.parametrize(
    ("options", "wanted"), [((), [*LEAKS, "shared"]), (("-n1", "-k", "printed or file or shared"), ["printed", "file", "shared"])],
    ids=["alone", "workers"],
)  # fmt: skip
def test_a_leak_fails_the_run_and_is_named(tmp_path: Path, options: tuple[str, ...], wanted: list[str]) -> None:
    leaks = {name: code for name, (_, code) in LEAKS.items()}
    program = PROGRAM + "".join(
        f"\ndef test_{name}(write, tables, capsys):\n    {code}\n" if name == "read_from_capture"
        else f"\ndef test_{name}(write, tables):\n    {code}\n"
        for name, code in (leaks | INNOCENT).items()
    )  # fmt: skip
    (tmp_path / "test_it.py").write_text(program, encoding="utf-8")
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "tests.plugins.secrecy", "-p", "no:cacheprovider", "-c", os.devnull,
        "--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "base"), *options, "test_it.py",
    ]  # fmt: skip
    path = os.pathsep.join([str(ROOT), *sys.path])
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path})
    assert done.returncode == 1, done.stdout + done.stderr
    told = sorted(line for line in done.stdout.splitlines() if line.startswith("SECRET "))
    expected = [f"SECRET test_it.py::test_{name}: in {LEAKS[name][0]}" for name in wanted if name in LEAKS]
    expected.append("SECRET the folder between0 that tests share: in the file server.json")
    assert [line.replace("stdout call", "stdout").replace("log call", "log") for line in told] == sorted(expected)
