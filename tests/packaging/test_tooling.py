"""The developer tooling itself: fixtures, constraints, import contract, requirement trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy

from tools import constraints
from tools.import_contract import read_table
from tools.requirements import RequirementFileError, proved, read_requirements, report

ROOT = Path(__file__).resolve().parents[2]


def test_a_state_database_answers_on_each_engine(state_url: str) -> None:
    engine = sqlalchemy.create_engine(state_url)
    with engine.begin() as connection:
        assert connection.scalar(sqlalchemy.text("select 40 + 2")) == 42
        assert sqlalchemy.inspect(connection).get_table_names() == []
    engine.dispose()


def test_each_test_has_a_postgres_database_of_its_own(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table left_behind (n int)"))
    engine.dispose()


def test_every_requirement_is_pinned_as_installed() -> None:
    installed, missing = constraints.closure(constraints.declared(ROOT / "pyproject.toml"))
    assert constraints.problems(constraints.read(constraints.FILE), installed, missing) == []


@pytest.mark.parametrize(
    "line", ["--index-url https://example.org/simple", "a @ https://example.org/a.whl", "a>=1", "a== 1"]
)
def test_constraints_hold_names_and_versions_only(tmp_path: Path, line: str) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text(f"# comment\nb==2\n{line}\n")
    with pytest.raises(ValueError, match=r"constraints\.txt:3"):
        constraints.read(file)


def test_the_import_table_is_transitive_and_closed() -> None:
    allowed = read_table((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert allowed["core"] == set()
    assert allowed["store"] == {"engine", "kql", "core"}
    assert "range" not in allowed["deliver"]
    assert allowed["clients"] == {"core"}
    with pytest.raises(ValueError, match="nowhere"):
        read_table("| `a/` | x | nowhere |\n")


def test_a_requirement_is_proved_by_passing_tests_only() -> None:
    tests: dict[str, dict[str, object]] = {
        "a": {"ids": ["D-001", "D-002"], "outcome": "passed"},
        "b": {"ids": ["D-002"], "outcome": "failed"},
        "c": {"ids": ["D-003"], "outcome": "skipped"},
    }
    assert proved(tests) == {"D-001": ["a"]}
    lines = report(read_requirements(), proved(tests), verbose=False)
    assert lines[-1] == "1 of 367 requirements have a passing test"


def test_a_malformed_requirement_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "requirements.tsv"
    file.write_text("id\tarea\tcheck\trequirement\nX-1\ta\tU\tone\nX-1\ta\tU\ttwice\n")
    with pytest.raises(RequirementFileError, match=r"requirements\.tsv:3: X-1"):
        read_requirements(file)
