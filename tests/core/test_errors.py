"""Errors: one sentence for people, fields for programs."""

from __future__ import annotations

import pytest

from vedette.core import errors
from vedette.core.errors import Forbidden, TooManyRequests, VedetteError, nearest, not_found


def test_an_error_is_its_sentence() -> None:
    error = VedetteError("The file has no rules.", hint="Add one.", file="rules.yaml", line=3, column=7)
    assert str(error) == "The file has no rules."
    assert error.position == "rules.yaml:3:7"
    assert error.to_dict() == {
        "code": "VDT0000",
        "message": "The file has no rules.",
        "hint": "Add one.",
        "file": "rules.yaml",
        "line": 3,
        "column": 7,
    }


def test_what_is_not_known_is_not_said() -> None:
    assert VedetteError("x").to_dict() == {"code": "VDT0000", "message": "x"}
    assert VedetteError("x").position is None
    assert VedetteError("x", line=2).position == "<text>:2"


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("VedetteError", 400),
        ("InvalidInput", 400),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("Conflict", 409),
        ("Unavailable", 503),
    ],
)
def test_statuses(name: str, status: int) -> None:
    error: VedetteError = getattr(errors, name)("x")
    assert error.status == status
    assert error.exit_code != 0


def test_an_instance_may_differ_from_its_class() -> None:
    error = VedetteError("x", code="KS142", status=418, exit_code=7, target="it")
    assert (error.code, error.status, error.exit_code, error.to_dict()["target"]) == ("KS142", 418, 7, "it")


def test_what_is_missing_and_how_long_to_wait() -> None:
    assert Forbidden("x", permission="rules/write").to_dict()["target"] == "rules/write"
    error = TooManyRequests("x", retry_after=12)
    assert (error.retry_after, error.status) == (12, 429)


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("SignInLogs", ["AuditLogs", "SigninLogs"], "SigninLogs"),
        ("defautl", ["default", "production"], "default"),
        ("zzz", ["default"], None),
        ("a", [], None),
    ],
)
def test_the_nearest_name(name: str, known: list[str], answer: str | None) -> None:
    assert nearest(name, known) == answer


def test_not_found_offers_the_nearest_name() -> None:
    error = not_found("table", "SignInLog", ["SigninLogs", "AuditLogs"])
    assert str(error) == "There is no table 'SignInLog'."
    assert error.hint == "Did you mean 'SigninLogs'?"
    assert not_found("table", "zzz", ["SigninLogs"]).hint is None
