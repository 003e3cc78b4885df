"""What one request brings is in the spool as a whole or not at all, wherever a write ends."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core.clock import SystemClock
from vedette.core.errors import InvalidInput, TooManyRequests, Unavailable
from vedette.store.batch import BadRecord
from vedette.store.intake import Intake, IntakeLimits
from vedette.store.logstore import LogStore
from vedette.store.rowlines import RowLines, TableLines, row_lines, unreadable_lines
from vedette.store.spool import Spool, SpoolLimits

EARLIER = (
    b'VSP1=\x00\x00\x00\x043\xc4\xea[1,"T_CL","a door",638000000000000000,2,null]\n{"n":1}\n{"n":2}'
    b'VSP1k\x00\x00\x00w\xe2o\n[2,"U_CL","s",638000000000000001,1,["r"],"lz4",5011]\n'
    b'\x04"M\x18`@\x82\'\x00\x00\x00\xaf{"text":"x\x01\x00' + b"\xff" * 19 + b'\x84Pxxx"}\x00\x00\x00\x00'
)
"""A spool's file as the version before groups wrote it."""


def batch(table: str, request: int, rows: int = 1, width: int = 0) -> TableLines:
    """Rows that tell their request."""
    lines = [b'{"request":%d,"n":%d,"text":"%s"}' % (request, n, b"x" * width) for n in range(rows)]
    return TableLines(table, row_lines(lines), [f"{request}-{n}" for n in range(rows)])


def requests_of(spool: Spool) -> list[tuple[str, int]]:
    """The table and the request of each batch that waits."""
    found = []
    for one in spool.read(spool.head(10**9, 10**12)):
        (request,) = {int(line.split(b",")[0].split(b":")[1]) for line in one.lines.split()}
        assert one.record_ids == [f"{request}-{n}" for n in range(one.entry.rows)]
        found.append((one.entry.table, request))
    return found


def test_a_group_is_cut_off_as_a_whole_at_every_byte(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool(folder)
    before = [("Before_CL", 1), ("B_CL", 2), ("C_CL", 2)]
    spool.put_together([batch("Before_CL", 1)], source="s", at=1)
    spool.put_together([batch("B_CL", 2), batch("C_CL", 2)], source="s", at=1)
    (file,) = folder.iterdir()
    start = file.stat().st_size
    request = [batch("A_CL", 3), batch("B_CL", 3, 2), batch("VedetteDeadLetter_CL", 3)]
    spool.put_together(request, source="s", at=2)
    spool.close()
    whole = file.read_bytes()
    after = [(one.table, 3) for one in request]
    for end in range(start, len(whole) + 1):
        file.write_bytes(whole[:end])
        again = Spool(folder)
        assert requests_of(again) == before + (after if end == len(whole) else [])
        assert again.damaged == 0
        if end < len(whole):  # its sender had no answer, and repeats it
            again.put_together(request, source="s", at=3)
            assert requests_of(again) == before + after
        again.close()
        for other in folder.iterdir():
            if other != file:
                other.unlink()


SENT = st.lists(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 40, 5000])), min_size=1, max_size=4), min_size=1, max_size=6)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(SENT, st.booleans(), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_of_a_group_all_is_read_or_nothing_wherever_a_file_is_torn(
    tmp_path_factory: pytest.TempPathFactory, sent: list[list[tuple[int, int]]], segments: bool, first: float,
    last: float, cut: bool,
) -> None:  # fmt: skip
    """A file that ends anywhere, and one with a hole anywhere: disks need not write in order what no fsync has followed."""
    folder = tmp_path_factory.mktemp("torn") / "spool"
    limits = SpoolLimits(segment_bytes=500 if segments else 10**9)
    spool = Spool(folder, limits)
    for number, parts in enumerate(sent):
        batches = [batch(f"T{place}_CL", number, *one) for place, one in enumerate(parts)]
        spool.put_together(batches, source="s", at=number)
    everything = requests_of(spool)
    spool.close()
    file = sorted(folder.iterdir())[-1]
    content = file.read_bytes()
    places = sorted((int(first * len(content)), int(last * len(content))))
    hole = b"" if cut else bytes(places[1] - places[0])
    torn = content[: places[0]] + hole + (b"" if cut else content[places[1] :])
    file.write_bytes(torn)
    again = Spool(folder, limits)
    found = requests_of(again)
    again.close()
    assert [one for one in everything if one in found] == found, "in their order, each once"
    for number, tables in Counter(number for _, number in found).items():
        assert tables == len(sent[number])
    if torn == content:
        assert found == everything


def test_a_group_has_one_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put_together([batch("A_CL", 1)], source="s", at=1)
    count = 0

    def counted(file: int) -> None:
        nonlocal count
        count += 1

    monkeypatch.setattr(os, "fsync", counted)
    spool.put_together([batch(f"T{n}_CL", 2) for n in range(20)], source="s", at=1)
    assert count == 1
    spool.close()


@pytest.mark.parametrize("truncates", [True, False])
@pytest.mark.parametrize("written", [0, 11, 12, 30, 150, 250])
def test_a_disk_that_fills_in_the_middle_of_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int, truncates: bool
) -> None:
    """Even if the disk does not take back what it has of it, and the process is killed before it could try again."""
    folder = tmp_path / "spool"
    spool = Spool(folder)
    spool.put_together([batch("A_CL", 1)], source="s", at=1)
    request = [batch("A_CL", 2), batch("B_CL", 2, 1, 50), batch("C_CL", 2)]
    with monkeypatch.context() as patched:
        real = os.write

        def full(file: int, content: bytes) -> int:
            assert len(content) > 250
            real(file, bytes(content)[:written])
            raise OSError(errno.ENOSPC, "No space left on device")

        def refused(*_: object) -> None:
            raise OSError(errno.EIO, "Input/output error")

        patched.setattr(os, "write", full)
        if not truncates:
            patched.setattr(os, "truncate", refused)
        with pytest.raises(Unavailable, match="no space left"):
            spool.put_together(request, source="s", at=1)
    assert requests_of(spool) == [("A_CL", 1)]
    killed = Spool(folder)
    assert requests_of(killed) == [("A_CL", 1)]
    killed.put_together(request, source="s", at=1)
    assert requests_of(killed) == [("A_CL", 1), ("A_CL", 2), ("B_CL", 2), ("C_CL", 2)]
    killed.close()


def test_a_group_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", SpoolLimits(disk_bytes=3000, batch_bytes=2000, memory_bytes=2500))
    with pytest.raises(TooManyRequests):
        spool.put_together([batch("A_CL", 1, 1, 100), *(batch(f"B{n}_CL", 1, 1, 1100) for n in range(2))], source="s", at=1)  # fmt: skip
        spool.put_together([batch("A_CL", 2, 1, 100), *(batch(f"B{n}_CL", 2, 1, 1100) for n in range(2))], source="s", at=1)  # fmt: skip
    assert {request for _, request in requests_of(spool)} == {1}
    with pytest.raises(InvalidInput, match="more than the 2000 that"):
        spool.put_together([batch("A_CL", 3), batch("B_CL", 3, 1, 2001)], source="s", at=1)
    with pytest.raises(InvalidInput, match="more than the 2500 that"):
        spool.put_together([batch("A_CL", 4, 1, 1500), batch("B_CL", 4, 1, 1500)], source="s", at=1)
    assert {request for _, request in requests_of(spool)} == {1}
    spool.close()


def test_the_spool_of_the_version_before_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "00000000000000000001.spool").write_bytes(EARLIER)
    spool = Spool(folder)
    found = list(spool.read(spool.head(100, 10**6)))
    assert [(one.entry.number, one.entry.table, one.source, one.record_ids) for one in found] == [
        (1, "T_CL", "a door", None), (2, "U_CL", "s", ["r"]),
    ]  # fmt: skip
    assert found[0].lines.split() == [b'{"n":1}', b'{"n":2}']
    assert found[1].lines.split() == [b'{"text":"' + b"x" * 5000 + b'"}']
    spool.close()


def test_a_batch_by_itself_lies_there_as_before(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    rows = row_lines([b'{"n":1}', b'{"n":2}'])
    spool.put_together([TableLines("T_CL", rows)], source="a door", at=638_000_000_000_000_000)
    spool.put("U_CL", RowLines(1, rows.payload[:7]), source="s", at=1)
    (file,) = (tmp_path / "spool").iterdir()
    assert file.read_bytes().startswith(EARLIER[: EARLIER.index(b"VSP1", 4)])
    spool.close()


@pytest.mark.req("P-046")
def test_rows_of_several_tables_are_stored_and_counted(tmp_path: Path) -> None:
    bad = unreadable_lines("A_CL", [BadRecord(3, 10, "no object", "17")], "door")
    with (
        LogStore(tmp_path / "logs.duckdb", SystemClock()) as logs,
        Intake(logs, tmp_path / "spool", SystemClock(), IntakeLimits(linger=0.01)) as intake,
    ):
        for _ in range(2):  # once, and repeated by its sender
            taken = intake.accept_together([batch("A_CL", 1, 2), batch("B_CL", 1, 3)], source="door")
            assert taken.count == 5
        assert intake.accept_together([batch("A_CL", 2), bad, TableLines("C_CL", row_lines([]))], source="door").count == 2  # fmt: skip
        assert intake.flush()
        found = logs.query("union withsource=T A_CL, B_CL | summarize count() by T | sort by T asc").rows
        assert found == [["A_CL", 3], ["B_CL", 3]]
        assert logs.query("VedetteDeadLetter_CL | project TableName, Line, Raw").rows == [["A_CL", 3, "17"]]
        told = intake.stats()
        assert (told.accepted, told.stored, told.repeated, told.unreadable) == (12, 7, 5, 1)
        with pytest.raises(InvalidInput):
            intake.accept_together([batch("A_CL", 3), batch("no table", 3)], source="door")
        assert intake.flush()
        assert intake.stats().accepted == 12
