"""Many spooled lines at once: the same columns, whether this process makes them or the one beside it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.clock import SystemClock
from vedette.core.datadir import DataDirectory
from vedette.kql import ticks
from vedette.store import catalog
from vedette.store.assembly import Assembled, Assembler
from vedette.store.frames import Entry, Spooled
from vedette.store.many import ManyLines, _assembled
from vedette.store.rowlines import row_lines
from vedette.store.stores import Stores

AT = ticks.from_parts(2026, 3, 1) or 0


@pytest.fixture
def many() -> Iterator[ManyLines]:
    made = ManyLines()
    yield made
    made.end()


def _batch(rows: Sequence[Any], number: int = 1) -> Spooled:
    lines = row_lines([json.dumps(row).encode() for row in rows])
    entry = Entry(number, "SigninLogs", len(rows), AT + number, 1, 0, len(lines.payload), False, lines.size)
    return Spooled(entry, "test", lines, None)


def _assembler() -> Assembler:
    types = {field.name: field.type for field in catalog.schema("SigninLogs") or ()}
    return Assembler(types, "SigninLogs", "w", 2**62, AT + 5, AT + 6)


def _plain(made: Assembled | None) -> Any:
    assert made is not None
    arrays = {**made.columns, **{f"hidden {name}": array for name, array in made.hidden.items()}}
    values = {name: (str(array.type), array.to_pylist()) for name, array in arrays.items()}
    return made.size, list(made.columns), values, made.extra, made.drifted, made.stamped


PLAIN = [
    {"TimeGenerated": "2026-02-01T10:00:00Z", "UserPrincipalName": f"user{n}@contoso.com", "Level": n}
    for n in range(30)
]
ODD = [
    {"TimeGenerated": None if n % 3 else "2026-02-01T10:00:00Z", "Level": "no number" if n % 5 == 0 else n, "Own": {"a": [n]}, "$Load": "x"}
    for n in range(30)
]  # fmt: skip


@pytest.mark.parametrize(
    "parts", [[PLAIN], [PLAIN * 20], [ODD], [PLAIN, ODD, PLAIN[:1]]], ids=["plain", "packed", "odd", "several"]
)
def test_the_same_columns(many: ManyLines, parts: list[list[Any]]) -> None:
    batches = [_batch(rows, number) for number, rows in enumerate(parts, 1)]
    here = _plain(many.assembled(batches, _assembler(), 7 << 26))  # there is no process yet
    assert many._helper.start(30)
    asked = many._helper.pid
    assert _plain(many.assembled(batches, _assembler(), 7 << 26)) == here
    assert many._helper.pid == asked
    assert asked is not None
    os.kill(asked, signal.SIGKILL)
    assert _plain(many.assembled(batches, _assembler(), 7 << 26)) == here


def test_what_is_not_plain_is_nobodys(many: ManyLines) -> None:
    """A line that is no object, and a name that comes twice: read one by one."""
    lines = row_lines([b'{"Level": 1, "Level": 2}', b'{"Level": 3}'])
    entry = Entry(1, "SigninLogs", 2, AT, 1, 0, 9, False, lines.size)
    twice = Spooled(entry, "test", lines, None)
    for started in (False, True):
        if started:
            assert many._helper.start(30)
        assert many.assembled([_batch([[1], 2])], _assembler(), 1) is None
        assert many.assembled([twice], _assembler(), 1) is None
        assert many.assembled([_batch(PLAIN)], _assembler(), 1) is not None


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_a_process_that_hangs_keeps_no_store_from_its_end(
    tmp_path: Path, request: pytest.FixtureRequest, shared: bool
) -> None:
    """Neither is it waited for, though others use it as well, nor are rows lost that it was asked about."""
    if shared:
        request.getfixturevalue("many")
    workspace, clock = "0a1b2c3d-0000-4000-8000-000000000001", SystemClock()
    with Stores(DataDirectory(tmp_path), clock) as stores:
        logs, intake = stores.open(workspace), stores.intake(workspace)
        helper = logs._many._helper
        assert helper.start(30)
        assert helper.pid is not None
        helper._patience = 150.0
        os.kill(helper.pid, signal.SIGSTOP)
        intake.accept("SigninLogs", PLAIN * 100, source="test")
        until = time.monotonic() + 60
        while not helper._turn.locked() and time.monotonic() < until:
            time.sleep(0.01)
        assert helper._turn.locked()
        begun = time.monotonic()
    assert time.monotonic() - begun < 60
    with Stores(DataDirectory(tmp_path), clock) as stores:
        assert stores.open(workspace).query("SigninLogs | count").rows == [[3000]]


def test_stores_share_one_process(many: ManyLines) -> None:
    other = ManyLines()
    assert other._helper is many._helper
    other.end()
    other.end()
    assert many._helper.start(30)
    assert many._helper.pid is not None


VALUES = [
    "null", "true", "1", "-0.0", "1e400", "12345678901234567890123", "9223372036854775808", '""', '"text"', '"\\u0000"', '"\\ud83d\\ude00"',
    '"2026-02-01T10:00:00Z"', '"2026-02-01T10:00:00.12345678+02:00"', "[]", "{}", '{"a":[1,{"b":"c:d"}]}', "[" * 300 + "]" * 300, '"[1]"', '"é"',
]  # fmt: skip
FIELDS = [
    "TimeGenerated",
    "UserPrincipalName",
    "Level",
    "DeviceDetail",
    "Status",
    "Own",
    "own",
    "_Row",
    "$Load",
    "a:b",
    "",
    "é",
    "TenantId",
    "Type",
]
OBJECTS = st.lists(
    st.tuples(st.sampled_from(FIELDS), st.sampled_from(VALUES)), max_size=5
).map(  # a name may come twice
    lambda pairs: "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"
)


@pytest.fixture(scope="module")
def ready() -> Iterator[ManyLines]:
    made = ManyLines()
    assert made._helper.start(30)
    yield made
    made.end()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.lists(OBJECTS, min_size=1, max_size=5), min_size=1, max_size=3), st.integers(1, 60))
def test_whatever_the_lines_are_the_columns_are_the_same(ready: ManyLines, parts: list[list[str]], times: int) -> None:
    batches = []
    for number, texts in enumerate(parts, 1):
        lines = row_lines([text.encode() for text in texts * times])
        entry = Entry(number, "SigninLogs", lines.count, AT + number, 1, 0, len(lines.payload), False, lines.size)
        batches.append(Spooled(entry, "test", lines, None))
    asked = ready._helper.pid
    beside = ready.assembled(batches, _assembler(), 7 << 26)
    assert ready._helper.pid == asked
    counts, accepted = [batch.entry.rows for batch in batches], [batch.entry.at for batch in batches]
    here = _assembled([batch.lines.text for batch in batches], counts, accepted, _assembler(), 7 << 26)
    assert (beside is None) == (here is None)
    if here is not None:
        assert repr(_plain(beside)) == repr(_plain(here))  # NaN, and 0.0 that is not -0.0
