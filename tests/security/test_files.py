"""Log files made to do harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from vedette.core.clock import SystemClock
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions


@pytest.mark.parametrize("depth", [300, 500, 1000])
def test_deep_json_is_kept_whole(tmp_path: Path, depth: int) -> None:
    deep = "[" * depth + "]" * depth
    file = tmp_path / "deep.jsonl"
    file.write_text(f'{{"a":{{"x\\"y":[1,{deep}],"z":null}}}}\n', encoding="utf-8")
    with LogStore(None, SystemClock()) as logs:
        assert logs.load([file], LoadOptions("T_CL")).files[0].rows == 1
        found = logs.query("T_CL | project strlen(tostring(a))").rows
    assert found == [[len(f'{{"x\\"y":[1,{deep}],"z":null}}')]]


def test_a_nul_in_a_name_does_not_cost_the_file(tmp_path: Path) -> None:
    file = tmp_path / "nul.jsonl"
    file.write_bytes(b'{"a\\u0000b":"x\\u0000y","c":1}\n{"c":2}\n')
    with LogStore(None, SystemClock()) as logs:
        assert logs.load([file], LoadOptions("T_CL")).files[0].rows == 2
        assert logs.query("T_CL | project c | order by c asc").rows == [[1], [2]]
        assert logs.query("T_CL | where c == 1 | project ['a\x00b']").rows == [["x\x00y"]]
