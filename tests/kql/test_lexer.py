"""The lexer: kinds and places of tokens, values of strings, and what is shown of hidden ones."""

from __future__ import annotations

import pytest

from vedette.kql.diagnostics import render
from vedette.kql.lexer import END, LONG, NAME, REAL, STRING, TIMESPAN, TYPED, masked, redacted, string_value, tokenize
from vedette.kql.parser import parse


def kinds(text: str) -> list[str]:
    return tokenize(text).kinds[:-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mv-expand", ["mv-expand"]),
        ("mv-expandx", [NAME, "-", NAME]),
        ("mv - expand", [NAME, "-", NAME]),
        ("project-away project-x", ["project-away", "project", "-", NAME]),
        ("a!in~(b)", [NAME, "!in~", "(", NAME, ")"]),
        ("!has !has_cs !hasx", ["!has", "!has_cs", "!", NAME]),
        ("in~ in ~", ["in~", "in", "<bad>"]),
        ("matches regex", ["matches regex"]),
        ("matches regexp", [NAME, NAME]),
        ("hint.strategy hint.other hint.strategyx", ["hint.strategy", NAME, ".", NAME, NAME, ".", NAME]),
        ("<= <> <| < => == =~ = != !~ .. .", ["<=", "<>", "<|", "<", "=>", "==", "=~", "=", "!=", "!~", "..", "."]),
        ("1..5", [LONG, "..", LONG]),
        ("1...5", [REAL, "..", LONG]),
        ("1.5 1. 1e5 0x1F 12 1.5h 7ticks", [REAL, REAL, REAL, LONG, LONG, TIMESPAN, TIMESPAN]),
        ("1L 3Dmodel 1.5x", [NAME, NAME, LONG, ".", NAME]),
        (
            "datetime(2024-01-01) datetime (x) int(5) integer(5)",
            [TYPED, "datetime", "(", NAME, ")", TYPED, NAME, "(", LONG, ")"],
        ),
        ("h'x' h@\"x\" hx H```x```", [STRING, STRING, NAME, STRING]),
        ("a // b\n c//", [NAME, NAME]),
        ("\ufeffa\u00a0b\u3000c", [NAME, NAME, NAME]),
        ("$left.a _x $", [NAME, ".", NAME, NAME, NAME]),
        ("", []),
    ],
)
def test_kinds(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


def test_places_cover_the_text_without_overlap() -> None:
    text = "T | where a =~ 'x\\'y' // note\n| take 1.5h"
    tokens = tokenize(text)
    assert [text[a:b] for a, b in zip(tokens.starts, tokens.ends)] == [
        "T",
        "|",
        "where",
        "a",
        "=~",
        "'x\\'y'",
        "|",
        "take",
        "1.5h",
        "",
    ]
    assert tokens.kinds[-1] == END
    assert not tokens.diagnostics


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ('"a\\tb"', "a\tb"),
        ("'\\x41\\u00e9\\U0001F600\\101'", "A\u00e9\U0001f600A"),
        ('@"a\\tb""c"', 'a\\tb"c'),
        ("@'it''s'", "it's"),
        ("```a\n`b```", "a\n`b"),
        ("~~~~~~", ""),
        ('""', ""),
        ('"\\U00110000"', "\ufffd"),
    ],
)
def test_values_of_strings(token: str, value: str) -> None:
    assert kinds(token) == [STRING]
    assert string_value(token) == (value, False)
    assert string_value("h" + token) == (value, True)


def test_a_bad_escape_is_reported_and_the_string_goes_on() -> None:
    tokens = tokenize(r'a == "\d+\w" and b')
    assert tokens.kinds == [NAME, "==", STRING, "and", NAME, END]
    assert [(d.code, d.start, d.length) for d in tokens.diagnostics] == [("KS001", 6, 2), ("KS001", 9, 2)]


def test_an_open_string_ends_with_its_line() -> None:
    tokens = tokenize('a == "x\n| take 5')
    assert tokens.kinds == [NAME, "==", STRING, "|", "take", LONG, END]
    assert [(d.code, d.start) for d in tokens.diagnostics] == [("KS001", 7)]


def test_hidden_strings_are_not_shown() -> None:
    text = "externaldata(a: long) [h@'https://x/?sig=secret', \"h'no'\"] // h'note'"
    shown = redacted(text)
    assert "secret" not in shown
    assert shown == "externaldata(a: long) [h'******', \"h'no'\"] // h'note'"
    assert redacted("T | take 5") == "T | take 5"
    assert redacted("print h'a' 'b', 'c'") == "print h'******' h'******', 'c'"
    assert masked("print h'a' 'b', 'c'") == "print **** ***, 'c'"
    assert masked("print h```a\nb```") == "print *****\n****"


def test_messages_do_not_show_hidden_strings() -> None:
    for text in (
        "T | where a h'secret'",
        "T | join kind=h'secret' (U) on a",
        "T | h'secret'",
        "print (h'secret' 'secret' 1",
    ):
        diagnostics = parse(text)[1]
        assert diagnostics
        assert not any("secret" in render(text, diagnostic) for diagnostic in diagnostics)
