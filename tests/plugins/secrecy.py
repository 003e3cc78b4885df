"""No secret in anything that the tests produce: what they print, log, get as answers of the API and leave on disk is searched.

The secrets of tests carry a mark: `marked("mail password")` makes one, and the fake tenant's own begin with `range-secret-`. After each
test its output and its folder are searched, at the end of the run the folders that tests shared, and the run fails naming the test and
where it was: stdout, stderr, log, the address of an answer, or the file. A mark is also found in base64, inside gzip, Parquet and
DuckDB files, and by each worker of pytest-xdist.

`@pytest.mark.secret_input("*.yaml", ...)` names files that a test writes with secrets itself, for the product to read.
"""

from __future__ import annotations

import base64
import fnmatch
import gzip
import subprocess
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Final

import duckdb
import httpx
import pytest

MARK: Final = "marked" + "-secret-"
"""What the secrets of tests begin with; in two parts, so that this file has none."""
TENANT: Final = "range" + "-secret-"
"""What those of the fake tenant begin with."""
TENANT_ITSELF: Final = ("tests/range/", "tests/clients/", "tests/plugins/", "tests/docs/", "tests/packaging/")
"""Tests of the fake tenant, whose secrets are what it is made of, and of packages, which hold it."""
_PIECE: Final = 8 << 20
_KEY: Final = "vedette_secrets_found"

Finding = tuple[str, str]
"""The test, and where the secret was."""


def marked(name: str) -> str:
    """A secret for a test: a text that must never be seen again."""
    return MARK + "".join(each if each.isalnum() else "-" for each in name.lower()) + "-5tz81kq0"


def _forms(mark: str) -> Iterator[bytes]:
    """The mark as it is, and inside of base64, wherever it begins there."""
    yield mark.encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + mark.encode())
        yield whole[(4 if before else 0) : len(whole) // 4 * 4 - 4]


_MARKED: Final = tuple(_forms(MARK))
_TENANT: Final = tuple(_forms(TENANT))


class Secrecy:
    """Searches what one process of a run produces."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.test = "before the first test"
        self._inputs: tuple[str, ...] = ()
        self._deep = False
        self._searched: set[Path] = set()

    def begin(self, item: pytest.Item) -> None:
        """What comes now is the test's."""
        self.test = item.nodeid
        self._inputs = tuple(glob for mark in item.iter_markers("secret_input") for glob in mark.args)
        texts = [one for one in vars(getattr(item, "module", None) or object).values() if isinstance(one, str)]
        with_tenant = {"fake_tenant", "door", "range_server"} & set(getattr(item, "fixturenames", ()))
        self._deep = bool(with_tenant) or any(self._in(one.encode("utf-8", "replace")) for one in texts)

    def text(self, text: str | bytes, where: str) -> None:
        """Searches a text."""
        data = text.encode("utf-8", "replace") if isinstance(text, str) else text
        if self._in(data):
            self._note(where)

    def folder(self, folder: Path, whose: str | None = None, deep: bool | None = None) -> None:
        """Searches every file of a folder."""
        if folder in self._searched or not folder.is_dir():
            return
        self._searched.add(folder)
        for path in folder.rglob("*"):
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                shown = path.relative_to(folder)
                if any(fnmatch.fnmatch(path.name, glob) for glob in self._inputs):
                    continue
                if self._in_file(path, self._deep if deep is None else deep):
                    self._note(f"the file {shown}", whose)
            except OSError:
                continue  # it went while it was looked at: a socket, a lock, a temporary file

    def shared(self, base: Path) -> None:
        """Searches what tests shared: folders of the run that are not those of one test."""
        self._inputs = ("vedette-*.tar.gz", "vedette-*.whl")  # packages hold the fake tenant
        for folder in sorted(base.iterdir()) if base.is_dir() else ():
            inside = [done for done in self._searched if folder in (done, *done.parents)]
            if not inside and not folder.is_symlink():
                self.folder(folder, f"the folder {folder.name} that tests share", deep=False)

    def _note(self, where: str, whose: str | None = None) -> None:
        finding = (whose or self.test, where)
        if finding not in self.found:
            self.found.append(finding)

    def _in(self, data: bytes) -> bool:
        if any(form in data for form in _MARKED):
            return True
        return not self.test.startswith(TENANT_ITSELF) and any(form in data for form in _TENANT)

    def _in_file(self, path: Path, deep: bool) -> bool:
        with path.open("rb") as file:
            if self._in_pieces(file.read):
                return True
        if path.suffix == ".gz":
            try:
                with gzip.open(path) as unpacked:
                    return self._in_pieces(unpacked.read)
            except (EOFError, OSError, zlib.error):
                return False
        if deep and path.suffix in (".duckdb", ".parquet"):
            return any(self._in(row) for row in _rows(path))
        return False

    def _in_pieces(self, read: Callable[[int], bytes]) -> bool:
        end = b""
        while piece := read(_PIECE):
            if self._in(end + piece):
                return True
            end = piece[-64:]
        return False


def _rows(path: Path) -> Iterable[bytes]:
    """The rows of a compressed file as text: in it their texts are not as they were written."""
    try:
        with duckdb.connect() as connection:
            if path.suffix == ".parquet":
                names = [f"read_parquet('{path}')"]
            else:
                connection.execute(f"ATTACH '{path}' AS held (READ_ONLY)")
                query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'held'"
                names = [f'held."{schema}"."{table}"' for schema, table in connection.execute(query).fetchall()]
            for name in names:
                for (text,) in connection.execute(f"SELECT CAST(t AS VARCHAR) FROM {name} AS t").fetchall():
                    yield (text or "").encode("utf-8", "replace")
    except duckdb.Error:
        return  # not a whole file: tests make such


def _watch(secrecy: Secrecy) -> Callable[[], None]:
    """Looks at what is captured, at what other processes print, and at answers; gives what undoes that."""
    undo: list[Callable[[], None]] = []

    def wrap(owner: Any, name: str, look: Callable[[Any], None]) -> None:
        original = getattr(owner, name)

        @wraps(original)
        def looking(*args: Any, **named: Any) -> Any:
            result = original(*args, **named)
            look(result)
            return result

        @wraps(original)
        async def looking_async(*args: Any, **named: Any) -> Any:
            result = await original(*args, **named)
            look(result)
            return result

        setattr(owner, name, looking_async if owner is httpx.AsyncClient else looking)
        undo.append(lambda: setattr(owner, name, original))

    def captured(result: Any) -> None:
        secrecy.text(result.out, "stdout")
        secrecy.text(result.err, "stderr")

    def process(result: Any) -> None:
        for stream, said in zip(("stdout", "stderr"), result):
            secrecy.text(said or "", f"{stream} of a process")

    def answered(answer: httpx.Response) -> None:
        if answer.is_stream_consumed and answer.request.url.path.startswith("/api/"):
            where = f"the answer of {answer.request.method} {answer.request.url.path}"
            secrecy.text(answer.content, where)
            secrecy.text("\n".join(answer.headers.values()), where)

    wrap(pytest.CaptureFixture, "readouterr", captured)
    wrap(subprocess.Popen, "communicate", process)
    wrap(httpx.Client, "send", answered)
    wrap(httpx.AsyncClient, "send", answered)

    def put_back() -> None:
        for each in undo:
            each()

    return put_back


class Searcher:
    """The part of the plugin in each process that runs tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.secrecy = Secrecy()
        self._config = config
        self._undo = _watch(self.secrecy)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.secrecy.begin(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Iterator[None]:
        folder = (getattr(item, "funcargs", None) or {}).get("tmp_path")
        done = yield  # with its fixtures: databases are closed now
        if isinstance(folder, Path):
            self.secrecy.folder(folder)
        return done

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        for title, content in report.sections:
            self.secrecy.text(content, title.removeprefix("Captured "))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._undo()
        factory = getattr(self._config, "_tmp_path_factory", None)
        base = getattr(factory, "_basetemp", None)
        if base is not None and not self._config.pluginmanager.has_plugin("dsession"):  # its workers have looked
            self.secrecy.shared(Path(base))
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_KEY] = self.secrecy.found


class Judge:
    """The part of the plugin that hears of all findings and fails the run."""

    def __init__(self, searcher: Searcher) -> None:
        self.found: list[Finding] = searcher.secrecy.found

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.found.extend((test, where) for test, where in getattr(node, "workeroutput", {}).get(_KEY, ()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.found:
            terminalreporter.section("secrets that were seen", red=True, bold=True)
            for test, where in sorted(set(self.found)):
                terminalreporter.line(f"SECRET {test}: in {where}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "secret_input(*globs): files that the test itself writes with secrets")
    searcher = Searcher(config)
    config.pluginmanager.register(searcher, "secrecy-searcher")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Judge(searcher), "secrecy-judge")
