"""Tar archives of evidence: loaded as zip archives are, and as safely."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.collect.test_files import AUDIT, Bench
from tests.collect.test_files import bench as bench
from vedette.collect.files.unpacking import ArchiveLimits
from vedette.store.report import Outcome

GOOD = json.dumps([AUDIT]).encode()


def tar(members: list[tuple[str, bytes | tarfile.TarInfo]], form: int = tarfile.PAX_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(content), 1_772_300_000
                archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["evidence.tar", "evidence.tar.gz", "evidence.tgz", "evidence"])
@pytest.mark.req("P-033")
def test_members_are_loaded_like_files(bench: Bench, name: str, form: int) -> None:
    content = tar(
        [("Output", special(tarfile.DIRTYPE)), ("Output/audit.json", GOOD), ("Output/log.txt", b"[INFO] done\nall\n")],
        form,
    )
    report = bench.load(bench.write(name, gzip.compress(content) if name.endswith("gz") else content))
    assert not report.failed
    assert {file.table: file.rows for file in report.files} == {"AuditLogs": 1}
    assert [one.path.name for one in report.unknown] == ["log.txt"]
    assert str(report.files[0].path).endswith(str(Path(name) / "Output" / "audit.json"))


def test_long_names_and_archives_within(bench: Bench) -> None:
    deep = "/".join(["folder" * 8] * 6) + "/audit.json"
    report = bench.load(bench.write("a.tar", tar([("in/inner.tgz", gzip.compress(tar([(deep, GOOD)])))])))
    assert report.rows == 1


def test_nothing_leads_out_and_no_link_is_followed(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_bytes(GOOD)
    content = tar(
        [
            ("../up.json", GOOD), ("/root.json", GOOD), ("a/../../up.json", GOOD), ("C:\\x.json", GOOD),
            ("link.json", special(tarfile.SYMTYPE, str(secret))), ("hard.json", special(tarfile.LNKTYPE, "ok.json")),
            ("pipe", special(tarfile.FIFOTYPE)), ("disk", special(tarfile.BLKTYPE)), ("ok.json", GOOD),
        ]
    )  # fmt: skip
    report = bench.load(bench.write("mixed.tar", content))
    assert report.rows == 1
    assert sorted(file.path.name for file in report.failed) == ["root.json", "up.json", "up.json", "x.json"]
    assert all("leads out" in str(file.error) for file in report.failed)
    assert {one.path.name: one.reason for one in report.unknown} == {
        "link.json": "a symbolic link", "hard.json": "a link to another member", "pipe": "no plain file but a device or a pipe",
        "disk": "no plain file but a device or a pipe",
    }  # fmt: skip
    assert not list(tmp_path.rglob("up.json"))


def sparse(size: int) -> bytes:
    """A member of the old GNU form whose data is one byte, and whose size is anything."""
    info = tarfile.TarInfo("zeros")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 1
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % 1
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + b"x".ljust(512, b"\0") + bytes(1024)


@pytest.mark.parametrize(
    ("content", "limits", "said"),
    [
        (tar([("a.json", GOOD), ("b", b" " * 2_000_000)]), ArchiveLimits(bytes=1_000_000), "more than 1,000,000 bytes"),
        (tar([(f"{n}.json", GOOD) for n in range(4)]), ArchiveLimits(members=3), "more than 3 files"),
        (gzip.compress(tar([("a", b" " * 40_000_000)])), ArchiveLimits(ratio=50), "zip bombs"),
        (sparse(8**11 - 1), ArchiveLimits(bytes=2**50), "zip bombs"),
        (tar([("a.json", GOOD)])[: 512 + -(-len(GOOD) // 512) * 512], ArchiveLimits(), "cut"),
        (tar([("a.json", GOOD), ("b.json", GOOD * 50)])[:4000], ArchiveLimits(), "unexpected end"),
        (tar([("a.json", GOOD), ("b.json", GOOD)]).replace(b"b.json", b"c.json"), ArchiveLimits(), "damaged at byte"),
    ],
    ids=["bytes", "members", "gzip bomb", "sparse bomb", "no end", "cut in a member", "damaged header"],
)  # fmt: skip
def test_what_is_refused_is_refused_whole(bench: Bench, content: bytes, limits: ArchiveLimits, said: str) -> None:
    report = bench.load(bench.write("a.tar", content), limits=limits)
    assert [file.outcome for file in report.files] == [Outcome.FAILED]
    assert said in str(report.files[0].error)
    assert bench.count("AuditLogs") == 0


def test_a_header_of_any_size_is_not_read_into_memory(bench: Bench) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.XHDTYPE, 50_000_000
    content = info.tobuf(tarfile.USTAR_FORMAT) + bytes(50_000_000 // 512 * 512 + 512) + tar([("a.json", GOOD)])
    report = bench.load(bench.write("a.tar", content))
    assert "a header has more than" in str(report.failed[0].error)
