"""Rules from files: YAML in the public Azure-Sentinel layout, ARM JSON, and custom detections of Defender XDR.

A file that is wrong yields findings and never stops the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vedette.core.errors import nearest
from vedette.detect.reading.arm_reader import is_arm, read_arm
from vedette.detect.reading.defender_reader import is_defender, read_defender
from vedette.detect.reading.document import Document
from vedette.detect.reading.json_reader import MAX_BYTES, read_json
from vedette.detect.reading.layout import looks_like_rule, read_layout
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem, UnreadableDocument
from vedette.detect.reading.yaml_reader import read_yaml
from vedette.detect.rule import AnalyticsRule, JsonValue

YAML_SUFFIXES = (".yaml", ".yml")
JSON_SUFFIXES = (".json",)
MAX_FILES = 50_000


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Where a rule came from, and its own text there, so that it can be given back as it came."""

    file: str
    line: int | None
    format: str
    """``yaml``, ``arm`` or ``defender``."""
    original: JsonValue


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule that was read, and its source."""

    rule: AnalyticsRule
    source: RuleSource


def read_rules(paths: Iterable[str | os.PathLike[str]]) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of files and directories (searched for .yaml, .yml and .json, in order of names), and the findings.

    A file of a directory that is no rule at all (a workbook, a playbook) is a finding of severity warning only.
    """
    rules: list[ReadRule] = []
    problems: list[RuleProblem] = []
    for path in paths:
        for file, named in _files(Path(path), problems):
            read, found = _read_file(file, named)
            rules += read
            problems += found
    return rules, problems


def read_rule_text(text: str, name: str) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of a text, as if it were the content of a file of that name (an upload)."""
    problems: list[RuleProblem] = []
    rules = list(_read_text(text, name, True, problems))
    return rules, problems


def _files(path: Path, problems: list[RuleProblem]) -> Iterator[tuple[Path, bool]]:
    """The files to read, and whether each was named itself."""
    if not path.is_dir():
        yield path, True
        return
    found = 0
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(YAML_SUFFIXES + JSON_SUFFIXES) and not name.startswith("."):
                found += 1
                if found > MAX_FILES:
                    message = f"the directory has more than {MAX_FILES:,} files; the rest was not read."
                    problems.append(RuleProblem(str(path), None, message, "Import it in parts."))
                    return
                yield Path(folder) / name, False
    for error in unreadable:
        problems.append(
            RuleProblem(str(error.filename or path), None, f"the directory cannot be read: {error.strerror}.")
        )
    if not found and not unreadable:
        problems.append(
            RuleProblem(str(path), None, "the directory has no rule file.", "Rule files end in .yaml, .yml or .json.")
        )


def _read_file(path: Path, named: bool) -> tuple[list[ReadRule], list[RuleProblem]]:
    file = str(path)
    problems: list[RuleProblem] = []
    try:
        if path.stat().st_size > MAX_BYTES:
            size = f"{MAX_BYTES // 1024 // 1024} MiB"
            return [], [RuleProblem(file, None, f"the file is larger than the {size} that a rule file may have.")]
        data = path.read_bytes()
    except FileNotFoundError:
        return [], [RuleProblem(file, None, "there is no such file or directory.", _near_file(path))]
    except OSError as error:
        return [], [RuleProblem(file, None, f"the file cannot be read: {error.strerror}.")]
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return [], [RuleProblem(file, line, f"the file is not text in UTF-8: byte {error.start} cannot be read.")]
    return list(_read_text(text, file, named, problems)), problems


def _near_file(path: Path) -> str | None:
    try:
        near = nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return None
    return f"Did you mean '{path.parent / near}'?" if near else None


def _read_text(text: str, file: str, named: bool, problems: list[RuleProblem]) -> Iterator[ReadRule]:
    try:
        if _is_json(text, file):
            yield from _read_document(read_json(text, file), named, problems)
            return
        count = 0
        for document in read_yaml(text, file):
            count += 1
            yield from _read_document(document, named, problems)
        if not count:
            problems.append(RuleProblem(file, 1, "the file is empty."))
    except UnreadableDocument as error:
        problems.append(RuleProblem(file, error.line, f"{error.message}.", error.hint))


def _is_json(text: str, file: str) -> bool:
    if file.lower().endswith(YAML_SUFFIXES):
        return False
    return file.lower().endswith(JSON_SUFFIXES) or text.lstrip()[:1] in ("{", "[")


def _read_document(document: Document, named: bool, problems: list[RuleProblem]) -> Iterator[ReadRule]:
    value = document.value
    if is_arm(value):
        found = False
        for rule, part in read_arm(document, problems):
            found = True
            yield ReadRule(rule, RuleSource(document.file, part.line(), "arm", part.value))
        if not found and not problems:
            _not_a_rule(document, "the template has no alert rule in it", named, problems)
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _read_one(document.at((index,), entry), named, problems)
    else:
        yield from _read_one(document, named, problems)


def _read_one(document: Document, named: bool, problems: list[RuleProblem]) -> Iterator[ReadRule]:
    value = document.value
    if is_defender(value):
        rule, kind = read_defender(document, problems), "defender"
    elif looks_like_rule(value):
        rule, kind = read_layout(document, problems), "yaml"
    else:
        _not_a_rule(
            document, "this is not an analytics rule: a rule is a mapping with 'name' and 'query'", named, problems
        )
        return
    if rule is not None:
        yield ReadRule(rule, RuleSource(document.file, document.line(), kind, value))


def _not_a_rule(document: Document, message: str, named: bool, problems: list[RuleProblem]) -> None:
    severity = ProblemSeverity.ERROR if named else ProblemSeverity.WARNING
    problems.append(RuleProblem(document.file, document.line(), f"{message}.", severity=severity))
