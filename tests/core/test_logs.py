"""Log lines: one line each, structured, without secrets, whoever writes them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from vedette.core.logs import configure_logging
from vedette.core.redaction import MARK, Secret


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_line_for_people(stream: io.StringIO) -> None:
    configure_logging("INFO", "text", stream)
    logging.getLogger("vedette.detect").warning("Rule %s was late", "Rare", extra={"rule": "r-1", "seconds": 3})
    (line,) = lines(stream)
    assert line.split(" ", 1)[1] == '[WARNING] vedette.detect: Rule Rare was late rule="r-1" seconds=3'
    assert line[:2] == "20"
    assert line.split(" ")[0].endswith("Z")


def test_a_line_for_programs(stream: io.StringIO) -> None:
    configure_logging("INFO", "json", stream)
    logging.getLogger("vedette.detect").info("Rule %s was late", "Rare", extra={"rule": "r-1", "message_count": 2})
    entry = json.loads(lines(stream)[0])
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "INFO",
        "logger": "vedette.detect",
        "message": "Rule Rare was late",
        "rule": "r-1",
        "message_count": 2,
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_holds_a_secret(stream: io.StringIO, form: str) -> None:
    configure_logging("DEBUG", form, stream)  # type: ignore[arg-type]
    held = Secret("S3cr3t~value/with+signs==")
    log = logging.getLogger("some.library")
    log.info("sending %s", held.reveal())
    log.info("sending %s", held)
    log.info("headers %s", {"Authorization": "Bearer abcdefghijkl", "client_secret": held.reveal()})
    log.info("saved", extra={"client_secret": "hunter2", "detail": {"password": "hunter2", "held": held}})
    log.info("form client_secret=hunter2&x=1")
    try:
        raise ValueError(f"cannot use {held.reveal()}")
    except ValueError:
        log.exception("failed with %s", held.reveal())
    text = stream.getvalue()
    assert "S3cr3t" not in text
    assert "hunter2" not in text
    assert "abcdefghijkl" not in text
    assert text.count(MARK) >= 8


def test_a_value_cannot_forge_a_line(stream: io.StringIO) -> None:
    configure_logging("INFO", "text", stream)
    logging.getLogger("x").info("name %s", "a\n2026-01-01T00:00:00.000Z INFO    vedette: all is well\x1b[2J")
    assert len(lines(stream)) == 1
    assert "\\n2026" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_errors_without_and_with_their_traceback(stream: io.StringIO) -> None:
    def fail() -> None:
        try:
            raise KeyError("what")
        except KeyError:
            logging.getLogger("x").exception("no")

    configure_logging("INFO", "text", stream)
    fail()
    assert len(lines(stream)) == 1
    assert lines(stream)[0].endswith("no (KeyError: 'what')")
    configure_logging("DEBUG", "text", stream)
    fail()
    assert "Traceback" in stream.getvalue()
    programs = io.StringIO()
    configure_logging("INFO", "json", programs)
    fail()
    entry = json.loads(programs.getvalue())
    assert entry["error"] == "KeyError: 'what'"
    assert "Traceback" in entry["traceback"]


def test_a_mistake_in_a_log_call_does_no_harm(stream: io.StringIO) -> None:
    handler = configure_logging("INFO", "text", stream)
    handler.handle(logging.LogRecord("x", logging.INFO, __file__, 1, "two %s %s", ("one",), None))
    assert "two %s %s" in stream.getvalue()


def test_setting_up_again_replaces(stream: io.StringIO) -> None:
    old = io.StringIO()
    configure_logging("INFO", "text", old)
    configure_logging("WARNING", "text", stream)
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").warning("loud")
    logging.getLogger("httpx").info("GET /")
    assert old.getvalue() == ""
    assert [line.rsplit(" ", 1)[1] for line in lines(stream)] == ["loud"]
