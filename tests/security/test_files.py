"""Log files made to do harm."""

from __future__ import annotations

import gzip
import io
import json
import time
import tracemalloc
from pathlib import Path

import pytest

from vedette.core.clock import SystemClock
from vedette.core.errors import VedetteError
from vedette.core.tls import client_context
from vedette.detect.reading.files import read_rule_text
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


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]\n" for n in range(1, 12))
        + "name: x\nquery: T\ntactics: *a11\n",
        "a: &a [*a]\nname: x\nquery: T\ntactics: *a\n",
        "a0: &a0 {x: 1}\n"
        + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 8)}]}}\n" for n in range(1, 10))
        + "name: x\nquery: T\n",
        "name: x\nquery: T\ntactics: " + "[" * 100_000 + "]" * 100_000,
        "name: x\nquery: T\ntactics: !!python/object/apply:os.system [id]\n",
        "name: x\nquery: T\nqueryFrequency: " + "9" * 100_000 + "\n",
        "name: x\nquery: T\ndescription: " + "x" * 5_000_000,
        "name: x\nquery: T\nversion: \x00\n",
        "? {" * 2000,
        '"' + "\\" * 100_000,
    ],
    ids=["laughs", "itself", "merges", "depth", "tag", "number", "length", "nul", "keys", "quotes"],
)
def test_a_rule_file_made_to_do_harm_is_refused_soon(text: str) -> None:
    started = time.thread_time()
    rules, problems = read_rule_text(text, "x.yaml")
    assert rules == []
    assert problems
    assert all(problem.message for problem in problems)
    assert time.thread_time() - started < 5


def _packed(*pieces: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as stream:
        for piece in pieces:
            stream.write(piece)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.jsonl.gz", _packed(*[b" " * 2**20] * 80), 0),
        ("a.jsonl.gz", _packed(b'{"a":"', *[b"x" * 2**20] * 80, b'"}\n{"a":1}\n'), 1),
        ("a.jsonl.gz", _packed(_packed(b'{"a":1}\n')), 0),
        ("a.jsonl.gz", _packed(b'{"a":1}\n' * 1000)[:-20], 0),
        ("a.jsonl.gz", b"not packed", 0),
        ("a.csv.gz", _packed(b'a,b\n"', *[b"x" * 2**20] * 80), 0),
        ("a.zip", b"PK\x03\x04" + b"\x00" * 100, 0),
    ],
    ids=["blanks", "one line", "twice", "cut off", "not packed", "one cell", "zip"],
)
def test_a_file_that_unpacks_without_end_takes_no_memory(tmp_path: Path, name: str, content: bytes, rows: int) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    tracemalloc.start()
    try:
        with LogStore(None, SystemClock(), memory="512MB") as logs:
            try:
                report = logs.load([file], LoadOptions("T_CL"))
                loaded = sum(one.rows for one in report.files)
                assert loaded == rows, report
                if not rows:
                    assert report.passed_over or any(one.bad or one.error for one in report.files), report
            except VedetteError as error:
                if rows:
                    raise AssertionError(f"{name}: {error}") from error
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    finally:
        tracemalloc.stop()


TWICE: dict[str, object] = {
    "text": "[concat(variables('BEFORE'), variables('BEFORE'))]",
    "array": "[createArray(variables('BEFORE'), variables('BEFORE'))]",
    "object": {"a": "[variables('BEFORE')]", "b": "[variables('BEFORE')]"},
    "replaced": "[replace(variables('BEFORE'), 'x', 'xxxxxxxxxxxxxxxx')]",
    "formatted": "[format('{0}{0}{0}{0}', variables('BEFORE'))]",
}


@pytest.mark.parametrize("form", TWICE)
@pytest.mark.parametrize("first", ["", "xxxx"], ids=["of nothing", "of letters"])
def test_a_template_that_doubles_itself_is_refused_soon(form: str, first: str) -> None:
    variables: dict[str, object] = {"v0": first}
    for number in range(1, 49):
        variables[f"v{number}"] = json.loads(json.dumps(TWICE[form]).replace("BEFORE", f"v{number - 1}"))
    properties = {"displayName": "x", "severity": "High", "query": "[concat(variables('v48'), '')]"}
    rule = {"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "name": "x", "kind": "Scheduled"}
    template = {"variables": variables, "resources": [{**rule, "properties": properties}]}
    started = time.thread_time()
    rules, problems = read_rule_text(json.dumps(template), "x.json")
    assert rules == []
    assert problems
    assert time.thread_time() - started < 5
    if first:
        assert "longer than 4,194,304 characters" in problems[0].message


def test_a_certificate_authority_without_end_is_refused() -> None:
    device = Path("/dev/zero")
    if not device.exists():
        pytest.skip("there is no /dev/zero here")
    with pytest.raises(VedetteError, match="cannot be read as PEM"):
        client_context(device)
