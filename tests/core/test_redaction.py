"""Secrets out of sight: the wrapper, and what is taken out of text and data."""

from __future__ import annotations

import copy
import gc
import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.redaction import MARK, Secret, is_secret_name, redact, redact_data
from vedette.core.roles import Permission
from vedette.core.tokens import TokenKind, mint

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


def test_a_secret_is_not_shown_by_accident() -> None:
    secret = Secret("hunter2-hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", f"{[secret]!r}", "%s" % secret]  # noqa: UP031
    assert all("hunter2" not in text for text in shown)
    assert not hasattr(secret, "__dict__")
    for attempt in (lambda: json.dumps(secret), lambda: pickle.dumps(secret), lambda: json.dumps({"a": [secret]})):
        with pytest.raises(TypeError):
            attempt()
    assert secret.reveal() == "hunter2-hunter2"
    assert copy.deepcopy(secret) is copy.copy(secret) is secret


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")


@given(value=st.text(min_size=6), before=st.text(), after=st.text())
def test_a_living_secret_is_taken_out_of_any_text(value: str, before: str, after: str) -> None:
    secret = Secret(value)
    cleaned = redact(before + secret.reveal() + after)
    assert value not in cleaned.replace(MARK, "") or value in before + after or value in MARK
    assert MARK in cleaned


def test_a_living_secret_is_taken_out_of_json_too() -> None:
    secret = Secret('quote"back\\slash\n')
    assert redact(json.dumps({"x": secret.reveal()})) == json.dumps({"x": MARK})


def test_a_secret_that_is_gone_is_forgotten() -> None:
    secret = Secret("ordinary words")
    assert redact("ordinary words") == MARK
    del secret
    gc.collect()
    assert redact("ordinary words") == "ordinary words"


def test_short_secrets_do_not_blot_out_ordinary_text() -> None:
    keep = Secret("a")
    assert redact("a cat sat") == "a cat sat"
    assert keep


OWN_TOKEN = "vdt_" + "0" * 16 + "_" + "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-ghi", f"Authorization: Bearer {MARK}"),
        ("authorization: basic dXNlcjpwYXNz", f"authorization: basic {MARK}"),
        ("Authorization: SharedKey ws:abcdef==", f"Authorization: SharedKey {MARK}"),
        (f"token {JWT} was refused", f"token {MARK} was refused"),
        (f"used {OWN_TOKEN} twice", f"used {MARK} twice"),
        ("postgresql://bob:hunter2@db:5432/x", f"postgresql://bob:{MARK}@db:5432/x"),
        ("client_id=1&client_secret=abc%20d&scope=x", f"client_id=1&client_secret={MARK}&scope=x"),
        ('{"client_secret": "abc", "x": 1}', f'{{"client_secret": "{MARK}", "x": 1}}'),
        ("password=hunter2; user=bob", f"password={MARK}; user=bob"),
        ("https://h/p?sv=1&sig=aB%2F&se=2", f"https://h/p?sv=1&sig={MARK}&se=2"),
        ("api-key: 12345", f"api-key: {MARK}"),
        ("access_token=abc", f"access_token={MARK}"),
        (
            "x -----BEGIN PRIVATE KEY-----\nMIIB\nAAA\n-----END PRIVATE KEY----- y",
            f"x {MARK} y",
        ),
        ("-----BEGIN EC PRIVATE KEY-----\nMIIB cut off", MARK),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SigninLogs | where UserPrincipalName == 'bob@contoso.com'",
        "the token was refused",
        "password reset by bob",
        "https://example.com:8443/path?x=1@2",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "vdt_short",
        "11111111-2222-3333-4444-555555555555",
    ],
)
def test_what_does_not_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(text=st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("kind", list(TokenKind))
def test_our_own_tokens_are_recognised(kind: TokenKind) -> None:
    minted = mint(kind)
    text = minted.text.reveal()
    del minted  # by its form, not because it lives
    gc.collect()
    assert redact(f"<{text}>") == f"<{MARK}>"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("client_secret", True),
        ("clientSecret", True),
        ("Client-Secret", True),
        ("PASSWORD", True),
        ("accessToken", True),
        ("x-api-key", True),
        ("Authorization", True),
        ("Set-Cookie", True),
        ("secret_name", False),
        ("token_count", False),
        ("tenant_id", False),
        ("passwordless", False),
    ],
)
def test_names_of_secrets(name: str, answer: bool) -> None:
    assert is_secret_name(name) is answer


def test_data_becomes_plain_json_without_secrets() -> None:
    data = {
        "client_secret": "x",
        "password": None,
        "plain": [1, 2.5, True, None, "y"],
        "nested": {"deep": ({"token": {"a": 1}},)},
        "when": datetime(2026, 3, 1, tzinfo=UTC),
        "permission": Permission.QUERY,
        "bytes": b"raw",
        "held": Secret("abcdefgh"),
        "text": "password=x",
        7: {3},
    }
    clean = redact_data(data)
    assert json.loads(json.dumps(clean)) == {
        "client_secret": MARK,
        "password": None,
        "plain": [1, 2.5, True, None, "y"],
        "nested": {"deep": [{"token": MARK}]},
        "when": "2026-03-01T00:00:00+00:00",
        "permission": "query/run",
        "bytes": MARK,
        "held": MARK,
        "text": f"password={MARK}",
        "7": [3],
    }


def test_data_without_end_has_one() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert json.dumps(redact_data(endless)).count("[") < 100
