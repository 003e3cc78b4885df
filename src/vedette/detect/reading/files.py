"""Rules from files: YAML in the public Azure-Sentinel layout, ARM JSON, custom detections of Defender XDR, and Sigma.

A file that is wrong yields findings and never stops the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vedette.core.errors import nearest
from vedette.core.files import read_whole
from vedette.detect.reading.arm_reader import RULE_TYPE, is_arm, read_arm, types_in
from vedette.detect.reading.defender_reader import (
    is_defender,
    is_defender_list,
    is_detection_resource,
    place_of,
    read_defender,
)
from vedette.detect.reading.document import Document
from vedette.detect.reading.document import Path as DocumentPath
from vedette.detect.reading.json_reader import MAX_BYTES, read_json
from vedette.detect.reading.layout import looks_like_rule, read_layout
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem, UnreadableDocument
from vedette.detect.reading.sigma.reader import is_sigma, read_sigma
from vedette.detect.reading.yaml_reader import read_yaml
from vedette.detect.rule import AnalyticsRule, JsonValue

YAML_SUFFIXES = (".yaml", ".yml")
JSON_SUFFIXES = (".json",)
MAX_FILES = 50_000
_SHOWN = 3
"""Types of resources that a finding names."""


@dataclass(frozen=True, slots=True)
class RuleSource:
    """Where a rule came from, and its own text there, so that it can be given back as it came."""

    file: str
    line: int | None
    format: str
    """``yaml``, ``arm``, ``defender`` or ``sigma``."""
    original: JsonValue
    place: Callable[[DocumentPath], int | None] | None = field(default=None, compare=False, repr=False)
    """The line of a part of the rule, by its path in the public layout; None where the file has another layout."""

    def line_of(self, path: DocumentPath) -> int | None:
        """The line on which a part of the rule stands, or the rule's own."""
        return self.line if self.place is None else self.place(path)


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule that was read, and its source."""

    rule: AnalyticsRule
    source: RuleSource


def read_rules(paths: Iterable[str | os.PathLike[str]]) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of files and directories (searched for .yaml, .yml and .json, in order of names), and the findings.

    A file of a directory that is no rule at all (a workbook, a playbook) is a finding of severity warning only.
    """
    reading = _Reading()
    for path in paths:
        for file, named in files_of(Path(path), reading.problems):
            reading.file(file, named)
    return reading.done()


def read_rule_text(text: str, name: str) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of a text, as if it were the content of a file of that name (an upload)."""
    return read_rule_texts([(name, text)])


def read_rule_texts(files: Iterable[tuple[str, str]]) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of several texts, each with the name of its file, that may refer to each other."""
    reading = _Reading()
    for name, text in files:
        reading.text(text, name, True)
    return reading.done()


class _Reading:
    """What was read of some files. Sigma's rules refer to each other, so they are made when all are read."""

    def __init__(self) -> None:
        self.problems: list[RuleProblem] = []
        self._rules: list[ReadRule] = []
        self._sigma: list[Document] = []

    def done(self) -> tuple[list[ReadRule], list[RuleProblem]]:
        """Everything that was read."""
        if self._sigma:
            self._rules += [
                ReadRule(rule, RuleSource(document.file, document.line(), "sigma", document.value))
                for rule, document in read_sigma(self._sigma, self.problems)
            ]
        return self._rules, self.problems

    def file(self, path: Path, named: bool) -> None:
        """Read one file."""
        text = text_of(path, self.problems)
        if text is not None:
            self.text(text, str(path), named)

    def text(self, text: str, file: str, named: bool) -> None:
        """Read the text of one file."""
        try:
            if _is_json(text, file):
                self._document(read_json(text, file), named)
                return
            count = 0
            for document in read_yaml(text, file):
                count += 1
                self._document(document, named)
            if not count:
                self._wrong(file, 1, "the file is empty.")
        except UnreadableDocument as error:
            self._wrong(file, error.line, f"{error.message}.", error.hint)

    def _document(self, document: Document, named: bool) -> None:
        value, problems = document.value, self.problems
        if is_arm(value):
            before, count = len(problems), len(self._rules)
            for rule, part in read_arm(document, problems):
                body = part.at(("properties",), part.value.get("properties"))
                kind, place = ("defender", place_of(body)) if is_detection_resource(part.value) else ("arm", body.line)
                self._rules.append(ReadRule(rule, RuleSource(document.file, part.line(), kind, part.value, place)))
            if len(self._rules) == count and len(problems) == before:
                types = ", ".join(types_in(value)[:_SHOWN])
                hint = f"It has resources of the type {types}; rules are of {RULE_TYPE}." if types else None
                _not_a_rule(document, "the template has no alert rule in it", named, problems, hint)
        elif isinstance(value, list):
            for index, entry in enumerate(value):
                self._one(document.at((index,), entry), named)
        elif is_defender_list(value):
            for index, entry in enumerate(value["value"]):
                self._one(document.at(("value", index), entry), named)
        else:
            self._one(document, named)

    def _one(self, document: Document, named: bool) -> None:
        value = document.value
        if is_sigma(value):
            self._sigma.append(document)
            return
        if is_defender(value):
            rule, kind = read_defender(document, self.problems), "defender"
        elif looks_like_rule(value):
            rule, kind = read_layout(document, self.problems), "yaml"
        else:
            message = "this is not an analytics rule: a rule is a mapping with 'name' and 'query'"
            _not_a_rule(document, message, named, self.problems)
            return
        if rule is not None:
            place = document.line if kind == "yaml" else place_of(document)
            self._rules.append(ReadRule(rule, RuleSource(document.file, document.line(), kind, value, place)))

    def _wrong(self, file: str, line: int | None, message: str, hint: str | None = None) -> None:
        self.problems.append(RuleProblem(file, line, message, hint))


def text_of(path: Path, problems: list[RuleProblem]) -> str | None:
    """The text of a file; None, with a finding, where it has none."""
    file = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            size = f"{MAX_BYTES // 1024 // 1024} MiB"
            problems.append(RuleProblem(file, None, f"the file is larger than the {size} that a rule file may have."))
            return None
        data = read_whole(path, MAX_BYTES)
    except FileNotFoundError:
        problems.append(RuleProblem(file, None, "there is no such file or directory.", _near_file(path)))
        return None
    except OSError as error:
        problems.append(RuleProblem(file, None, f"the file cannot be read: {error.strerror}."))
        return None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the file is not text in UTF-8: byte {error.start} cannot be read."
        problems.append(RuleProblem(file, line, message))
        return None


def files_of(
    path: Path, problems: list[RuleProblem], suffixes: tuple[str, ...] = YAML_SUFFIXES + JSON_SUFFIXES
) -> Iterator[tuple[Path, bool]]:
    """The files to read of a file or a directory, and whether each was named itself."""
    if not path.is_dir():
        yield path, True
        return
    found = 0
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not name.startswith("."):
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
            RuleProblem(str(path), None, "the directory has no rule file.", f"Rule files end in {_spelled(suffixes)}.")
        )


def _spelled(suffixes: tuple[str, ...]) -> str:
    return suffixes[0] if len(suffixes) == 1 else f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"


def _near_file(path: Path) -> str | None:
    try:
        near = nearest(path.name, [entry.name for entry in path.parent.iterdir()])
    except OSError:
        return None
    return f"Did you mean '{path.parent / near}'?" if near else None


def _is_json(text: str, file: str) -> bool:
    if file.lower().endswith(YAML_SUFFIXES):
        return False
    return file.lower().endswith(JSON_SUFFIXES) or text.lstrip()[:1] in ("{", "[")


def _not_a_rule(
    document: Document, message: str, named: bool, problems: list[RuleProblem], hint: str | None = None
) -> None:
    severity = ProblemSeverity.ERROR if named else ProblemSeverity.WARNING
    problems.append(RuleProblem(document.file, document.line(), f"{message}.", hint, severity=severity))
