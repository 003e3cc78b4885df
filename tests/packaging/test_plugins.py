"""The project's pytest plugins: unknown requirement ids, the written trace, absent shared material, browser tests."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tools.requirements import read_requirements

ROOT = Path(__file__).resolve().parents[2]
pytest_plugins = ["pytester"]
INI = "[pytest]\nmarkers = req: r\n  browser: b\n  postgres: p\naddopts = --strict-markers\n"


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty test folder that has the project's plugins."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("VEDETTE_SHARED", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeini(INI)
    names = [f"tests.plugins.{name}" for name in ("browser", "postgres", "requirements", "shared_material", "workers")]
    pytester.makeconftest(f"pytest_plugins = {names!r}\n")
    return pytester


def test_an_unknown_requirement_ends_the_run(inner: pytest.Pytester) -> None:
    inner.makepyfile("import pytest\n@pytest.mark.req('D-0555')\ndef test_one(): pass\n")
    done = inner.runpytest_subprocess()
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*no requirement 'D-0555'; nearest: D-055*"])


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_the_trace_has_the_outcome_of_every_marked_test(inner: pytest.Pytester, workers: list[str]) -> None:
    inner.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.req("D-001")
        @pytest.mark.req("D-002", "D-003")
        def test_passes(): pass
        def test_fails(): assert False
        @pytest.fixture
        def broken():
            yield
            raise RuntimeError
        def test_fails_at_its_end(broken): pass
        def test_skips(): pytest.skip("so")
        @pytest.mark.browser
        def test_browses(): pass
        """
    )
    inner.makepyfile(test_plain="def test_unmarked(): pass\n")
    inner.runpytest_subprocess("--trace-results", "out/trace.json", *workers)
    tests = json.loads((inner.path / "out" / "trace.json").read_text(encoding="utf-8"))["tests"]
    outcomes = {name.rpartition("::")[2]: entry["outcome"] for name, entry in tests.items()}
    assert outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_fails_at_its_end": "failed",
        "test_skips": "skipped",
        "test_browses": "passed",
    }
    assert next(entry for name, entry in tests.items() if name.endswith("test_passes"))["ids"] == [
        "D-001",
        "D-002",
        "D-003",
    ]


def test_what_takes_long_to_start_is_started_by_one_worker(inner: pytest.Pytester) -> None:
    note = "import os\ndef test_one(request):\n    path = request.config.rootpath / (request.node.path.parent.name + '.seen')\n"
    note += "    path.open('a').write(os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n"
    # on a busy machine one worker could be through before another has started
    wait = "    import time\n    end = time.monotonic() + 60\n"
    wait += "    while len(set(path.read_text().split())) < 2 and time.monotonic() < end:\n        time.sleep(0.02)\n"
    for folder in ("browser", "packaging", "others"):
        place = inner.path / "tests" / folder
        place.mkdir(parents=True)
        for number in range(12):
            text = note + wait if folder == "others" else note
            (place / f"test_{folder}{number}.py").write_text(text, encoding="utf-8")
    inner.runpytest_subprocess("-n", "3").assert_outcomes(passed=36)
    workers = {path.stem: path.read_text().split() for path in inner.path.glob("*.seen")}
    assert {folder: len(seen) for folder, seen in workers.items()} == {"browser": 12, "packaging": 12, "others": 12}
    assert len(set(workers["browser"])) == len(set(workers["packaging"])) == 1
    assert len(set(workers["others"])) > 1


def test_a_shared_folder_that_is_not_there_is_an_error(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEDETTE_SHARED", "no/such/folder")
    inner.makepyfile("def test_one(shared): pass\n")
    done = inner.runpytest_subprocess()
    assert done.ret != 0
    done.stdout.fnmatch_lines(["*VEDETTE_SHARED=no/such/folder: *is not a directory*"])


def test_tests_that_miss_the_shared_folder_are_counted(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import tests.plugins.shared_material as material
        material.main_checkout = lambda: material.Path("/nonexistent/checkout")
        def test_one(shared): pass
        def test_two(shared): pass
        def test_three(): pass
        """
    )
    done = inner.runpytest_subprocess()
    done.assert_outcomes(passed=1, skipped=2)
    done.stdout.fnmatch_lines(["2 tests were skipped: the shared reference material is absent*"])


def test_a_browser_that_is_not_installed_is_named(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(inner.path))
    monkeypatch.setenv("VEDETTE_CHROMIUM", "")
    inner.makepyfile(
        """
        import tests.plugins.browser as browser
        browser.PLACES = ()
        def test_one(chromium): pass
        """
    )
    done = inner.runpytest_subprocess("-rs")
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["*no Chromium was found*VEDETTE_CHROMIUM*"])


def test_the_requirements_are_those_of_the_reference_in_other_words(shared: Path) -> None:
    with (shared / "design" / "requirements.tsv").open(encoding="utf-8", newline="") as file:
        reference = {row["id"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    own = {one.id: one for one in read_requirements()}
    assert set(own) == set(reference)
    assert [identity for identity, one in own.items() if one.check != reference[identity]["check"]] == []
    assert [
        identity for identity, one in own.items() if one.text.lower() == reference[identity]["requirement"].lower()
    ] == []
