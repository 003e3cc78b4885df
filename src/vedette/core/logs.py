"""Log lines: for people or as JSON, one line each, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

from vedette.core.redaction import redact, redact_data

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET: Final = ("azure", "httpx", "httpcore", "urllib3", "msal", "alembic", "asyncio")
"""Libraries whose INFO is our DEBUG."""


def configure_logging(
    level: str = "INFO", form: Literal["text", "json"] = "text", stream: TextIO | None = None
) -> logging.Handler:
    """Send every log line of this process to the stream (standard error); replaces what was set up before.

    Values given as `extra={...}` become fields. Secrets are removed whatever library wrote them. Tracebacks are in the
    JSON form, and in the text form only at level DEBUG.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(tracebacks=level == "DEBUG"))
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, TextFormatter | JsonFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(level if level in ("DEBUG", "ERROR") else "WARNING")
    return handler


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the extra fields, and error where there was one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(_message(record)),
        }
        for name, value in _fields(record).items():
            line.setdefault(name, value)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = redact(f"{record.exc_info[0].__name__}: {record.exc_info[1]}")
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """One line for people: time, level, logger, message and `name=value` fields; line breaks are escaped."""

    def __init__(self, *, tracebacks: bool = False) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(
            f" {name}={json.dumps(value, ensure_ascii=False, default=str)}" for name, value in _fields(record).items()
        )
        text = f"{_message(record)}{fields}"
        if record.exc_info and record.exc_info[0] is not None:
            text += f" ({record.exc_info[0].__name__}: {record.exc_info[1]})"
        line = f"{_time(record)} [{record.levelname}] {record.name}: {_one_line(redact(text))}"
        if self._tracebacks and record.exc_info and record.exc_info[0] is not None:
            line += "\n" + redact(self.formatException(record.exc_info))
        return line


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # a mistake in a log call must not become a failure of the program
        return str(record.msg)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    found = {name: value for name, value in vars(record).items() if name not in _STANDARD and not name.startswith("_")}
    clean = redact_data(found)
    assert isinstance(clean, dict)
    return clean


def _one_line(text: str) -> str:
    """A line break in a logged value must not look like a log line of its own."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
