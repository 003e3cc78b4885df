"""The command as a process of its own: its exit codes, its signals, what it leaves behind, and what it costs to start."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = 500_000
"""So many are read in several pieces: while one is loaded the file is open, and a Ctrl-C then meets a load that goes on."""
START = [sys.executable, "-c", "from vedette.cli.main import main; main()"]
READY = re.compile(r"Vedette is ready: (http://127\.0\.0\.1:\d+)/signin\?token=\S+\n")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
    return kept | {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"} | more


def vedette(*arguments: object, stdin: str = "", code: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*START, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        env=environment(**more),
        timeout=120,
    )
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, done.stderr
    return done


@contextlib.contextmanager
def server(data: Path, *arguments: object, first: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of its own process, which begins with a statement of Python, and its address; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [*START[:2], f"{first}\n{START[2]}", "serve", "--data", str(data), "--port", "0", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = READY.fullmatch(process.stdout.readline())
        assert ready is not None, process.communicate(timeout=60)
        yield process, ready[1]
    finally:
        process.kill()
        process.communicate(timeout=60)


def wait_for_record(data: Path) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while not (data / "server.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found: dict[str, object] = json.loads((data / "server.json").read_text())
    return found


def wait_for_effort(pid: int, seconds: float) -> None:
    """Until a process has used so many seconds of a processor from now on: it is at something that does not end."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        time.sleep(4 * seconds)
        return

    def used() -> float:
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    until, deadline = used() + seconds, time.monotonic() + 120
    while used() < until:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def big_file(folder: Path, rows: int) -> Path:
    """A file of rows that do not compress, so that the store's file grows while they are loaded."""
    source = random.Random(5)
    file = folder / "SigninLogs" / "big.jsonl"
    file.parent.mkdir(parents=True)
    with file.open("w") as stream:
        for _ in range(rows // 1000):
            stream.write("".join(f'{{"CorrelationId": "{source.getrandbits(256):064x}"}}\n' for _ in range(1000)))
    return file


# -- cost


def test_help_and_usage_need_nothing_heavy() -> None:
    probe = (
        "import sys; sys.argv = ['vedette', '--help']\n"
        "from vedette.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "print('heavy:', [n for n in ('duckdb', 'numpy', 'pyarrow', 'sqlalchemy', 'fastapi', 'httpx') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, encoding="utf-8", env=environment(), timeout=60
    )
    assert done.stdout.splitlines()[-1] == "heavy: []", done.stderr


def test_a_query_over_nothing_needs_no_server_and_no_state() -> None:
    probe = (
        "import sys; sys.argv = ['vedette', 'query', 'print 1', '--format', 'csv']\n"
        "from vedette.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "print('heavy:', [n for n in ('sqlalchemy', 'fastapi', 'httpx', 'azure', 'alembic') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, encoding="utf-8", env=environment(), timeout=60
    )
    assert done.stdout.splitlines() == ["print_0", "1", "heavy: []"], done.stderr


# -- the server's life


def test_a_server_is_ready_ends_on_sigterm_and_leaves_no_record(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(data) as (process, url):
        record = wait_for_record(data)
        assert record["url"] == url
        assert record["pid"] == process.pid
        assert httpx.get(f"{url}/api/v1/health", timeout=30).status_code == 200
        if os.name != "nt":
            assert (data / "server.json").stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, "Traceback" in err) == (0, "", False)
    assert not (data / "server.json").exists()
    assert vedette("query", "SigninLogs | count", "--data", data, "--format", "csv").stdout == "Count\n0\n"


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "--version"], capture_output=True, encoding="utf-8", env=environment(), timeout=60,
        check=True,
    )  # fmt: skip
    assert re.fullmatch(r"vedette \S+\n", done.stdout)


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a process there before it can tidy up")
def test_a_demo_says_where_it_lives_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*START, "serve", "--demo", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment(TMPDIR=str(tmp_path)),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert READY.fullmatch(process.stdout.readline())
        (folder,) = tmp_path.glob("vedette-demo-*")
        assert wait_for_record(folder)["pid"] == process.pid
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert f"the data directory is {folder}" in err
    assert not folder.exists()


def test_ctrl_c_ends_a_server_cleanly(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(data) as (process, _):
        wait_for_record(data)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    assert not (data / "server.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_query_that_runs_does_not_keep_a_server_from_its_end(tmp_path: Path, number: signal.Signals) -> None:
    data = tmp_path / "data"
    endless = "range x from 1 to 9000000 step 1 | extend k=1 | join kind=inner (range y from 1 to 9000000 step 1 | extend k=1) on k | count"
    patient = "from vedette.store import logstore; logstore._PATIENCE = 300.0"  # the query ends, and is not left behind
    with server(data, first=patient) as (process, _):
        wait_for_record(data)
        asking = subprocess.Popen(
            [*START, "query", endless, "--data", str(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", env=environment(),
        )  # fmt: skip
        wait_for_effort(process.pid, 3)
        assert asking.poll() is None
        begun = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert time.monotonic() - begun < 60
        out, told = asking.communicate(timeout=60)
        assert (out, asking.returncode, "The log store is closing." in told) == ("", 1, True), told


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes where Linux lists them")
def test_a_process_beside_the_server_that_hangs_does_not_keep_it_from_its_end(tmp_path: Path) -> None:
    """What a sender has sent by then is taken and acknowledged."""
    data = tmp_path / "data"
    rows = [{"n": n, "text": "x" * 100} for n in range(2_000)]
    with server(data) as (process, url), httpx.Client(base_url=url, timeout=60) as client:
        token = wait_for_record(data)["token"]

        def send() -> int:
            return client.post("/ingest/T_CL", json=rows, headers={"Authorization": f"Bearer {token}"}).status_code

        def reader() -> int | None:
            for listed in Path(f"/proc/{process.pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):  # one that has just ended
                    for pid in map(int, listed.read_text().split()):
                        if b"collect.http.beside" in Path(f"/proc/{pid}/cmdline").read_bytes():
                            return pid
            return None

        assert send() == 200  # the first long body has the process begin
        answers: list[int] = []
        while True:
            stopped = reader()
            if stopped is not None:
                os.kill(stopped, signal.SIGSTOP)
            sender = threading.Thread(target=lambda: answers.append(send()))
            sender.start()
            sender.join(3)
            if sender.is_alive() and stopped is not None:
                break
            sender.join()
            if stopped is not None:  # it was not ready, and the server has read the body
                os.kill(stopped, signal.SIGCONT)
        answers.clear()
        process.send_signal(signal.SIGTERM)
        sender.join(60)
        _, err = process.communicate(timeout=60)
        assert (answers, process.returncode, "Traceback" in err) == ([200], 0, False), err
    assert vedette("query", "T_CL | count", "--data", data, "--format", "csv").stdout != "Count\n0\n"


def test_a_killed_server_stands_in_nobodys_way(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(data) as (process, _):
        wait_for_record(data)
        process.kill()
        process.wait(timeout=30)
    assert (data / "server.json").exists()
    assert vedette("query", "print 1", "--data", data, "--format", "csv").stdout == "print_0\n1\n"
    with server(data) as (process, url):
        deadline = time.monotonic() + 60
        while wait_for_record(data)["pid"] != process.pid:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert httpx.get(f"{url}/api/v1/health", timeout=30).status_code == 200


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = vedette("serve", "--data", tmp_path / "data", "--port", port, code=1)
    assert done.stdout == ""
    first, hint = done.stderr.splitlines()
    assert first == f"error The server cannot listen on 127.0.0.1, port {port}: address already in use."
    assert "--port" in hint
    assert not (tmp_path / "data" / "server.json").exists()


def test_a_second_server_and_an_unreadable_record(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server(data) as (process, _):
        wait_for_record(data)
        done = vedette("serve", "--data", data, "--port", "0", code=1, VEDETTE_LOCK_WAIT="0.2")
        assert f"in use by process {process.pid} (vedette serve" in done.stderr
    (data / "server.json").write_text("{ nonsense")
    assert vedette("query", "print 1", "--data", data, "--format", "csv").stdout == "print_0\n1\n"


def test_a_store_that_does_not_open_ends_the_server_with_a_sentence(tmp_path: Path) -> None:
    vedette("load", big_file(tmp_path, 1000), "--data", tmp_path / "data")
    (store,) = (tmp_path / "data").rglob("logs.duckdb")
    store.write_bytes(b"not a database" * 4096)
    done = vedette("serve", "--data", tmp_path / "data", "--port", "0", code=1)
    assert "logs.duckdb" in done.stderr
    assert not (tmp_path / "data" / "server.json").exists()


def test_a_setting_that_cannot_be_read(tmp_path: Path) -> None:
    done = vedette("serve", "--data", tmp_path / "data", code=2, VEDETTE_PORT="many")
    assert "VEDETTE_PORT" in done.stderr
    assert not (tmp_path / "data").exists()


# -- two at once, and stopping


def test_two_commands_at_once_take_turns(tmp_path: Path) -> None:
    data = tmp_path / "data"
    files = []
    for number in range(3):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(f'{{"UserPrincipalName": "user{number}"}}\n')
        files.append(file)
    done: list[subprocess.CompletedProcess[str]] = []
    threads = [
        threading.Thread(
            target=lambda f=file: done.append(
                vedette("load", f, "--table", "SigninLogs", "--data", data, VEDETTE_LOCK_WAIT="100")
            )
        )  # type: ignore[misc]
        for file in files
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.returncode for one in done] == [0, 0, 0]
    assert vedette("query", "SigninLogs | count", "--data", data, "--format", "csv").stdout == "Count\n3\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("served", [False, True], ids=["alone", "served"])
def test_ctrl_c_during_a_load_leaves_nothing_half_written(tmp_path: Path, served: bool) -> None:
    data = tmp_path / "data"
    file = big_file(tmp_path, ROWS)
    with contextlib.ExitStack() as held:
        if served:
            held.enter_context(server(data))
            wait_for_record(data)
        else:
            vedette("query", "print 1", "--data", make(data))
        load = subprocess.Popen(
            [*START, "load", str(file), "--data", str(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", env=environment(), preexec_fn=heed_ctrl_c,
        )  # fmt: skip
        wait_for_work(file, data)
        load.send_signal(signal.SIGINT)
        out, err = load.communicate(timeout=60)
        assert load.returncode == 1, (out, err)
        assert "Traceback" not in err
        assert err.splitlines() == ["The file at hand has added nothing; those before it are loaded.", "Stopped."]
        counted = vedette("query", "SigninLogs | count", "--data", data, "--format", "csv").stdout
        assert counted == "Count\n0\n"
    # and nothing stands in the way of loading it after all
    assert vedette("load", file, "--data", data, "--json").stdout.startswith(f'{{"rows":{ROWS},')


def make(data: Path) -> Path:
    data.mkdir()
    return data


def heed_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so does all that is started by it, such as these tests."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_for_work(file: Path, data: Path) -> None:
    """Until some process, the load or its server, is in the middle of the file."""
    deadline = time.monotonic() + 60
    while not (read(file) if Path("/proc/self/fd").is_dir() else written(data)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.05)


def read(file: Path) -> bool:
    """Whether a process has the file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if link.readlink() == file:
                return True
    return False


def written(data: Path) -> int:
    return sum(file.stat().st_size for file in data.rglob("logs.duckdb.wal"))


# -- what the operating system refuses


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read and write everything")
def test_a_directory_without_rights(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o500)
    done = vedette("query", "print 1", "--data", data, code=1)
    assert str(data) in done.stderr
    assert "not permitted" in done.stderr
    assert list(data.iterdir()) == []


def test_a_reader_that_has_heard_enough() -> None:
    process = subprocess.Popen(
        [*START, "query", "range x from 1 to 200000 step 1", "--format", "ndjson"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, encoding="utf-8", env=environment(),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == '{"x":1}\n'
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0


# -- streams that are closed or full, and files that have no end


@pytest.mark.skipif(os.name == "nt", reason="a shell there cannot close a stream")
def test_closed_streams_are_no_fault(tmp_path: Path) -> None:
    """The store's file would get the number of one of them, and what is printed."""

    def close() -> None:
        for number in range(3):
            os.close(number)

    process = subprocess.Popen(
        [*START, "load", str(big_file(tmp_path, 1000)), "--data", str(tmp_path / "data"), "--json"],
        preexec_fn=close, env=environment(),
    )  # fmt: skip
    assert process.wait(timeout=60) == 0
    counted = vedette("query", "SigninLogs | count", "--data", tmp_path / "data", "--format", "csv").stdout
    assert counted == "Count\n1000\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_an_output_that_is_full_is_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*START, "query", "print 1"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8", env=environment(),
            timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr.splitlines()[0] == "error The operating system refuses to read or write: no space left on device."
    )
    assert "failed where it should not" not in done.stderr
