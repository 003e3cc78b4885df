"""Automation rules out of ARM JSON: templates, resources as the REST API gives them, and lists of either."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vedette.core.ids import derived_id
from vedette.detect.reading.arm_expressions import UNKNOWN
from vedette.detect.reading.arm_reader import arm_resources, is_arm, plain_properties, resource_name
from vedette.detect.reading.document import Document
from vedette.detect.reading.document import Path as Path_
from vedette.detect.reading.files import JSON_SUFFIXES, files_of, text_of
from vedette.detect.reading.json_reader import read_json
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem, UnreadableDocument
from vedette.detect.rule import JsonValue
from vedette.respond.automation.rule import KEPT, AutomationRule, read_rule

TYPE: Final = "Microsoft.OperationalInsights/workspaces/providers/automationRules"
_RULE_TYPE: Final = re.compile(
    r"(?:microsoft\.securityinsights|microsoft\.operationalinsights/workspaces/providers)/automationrules",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ReadRule:
    """A rule that was read, and where it stood."""

    rule: AutomationRule
    file: str
    line: int | None


def read_files(paths: Iterable[str | os.PathLike[str]]) -> tuple[list[tuple[str, str]], list[RuleProblem]]:
    """The JSON files of files and folders, each with its text, and those that cannot be read."""
    found: list[tuple[str, str]] = []
    problems: list[RuleProblem] = []
    for path in paths:
        for file, _ in files_of(Path(path), problems, JSON_SUFFIXES):
            text = text_of(file, problems)
            if text is not None:
                found.append((str(file), text))
    return found, problems


def read_texts(files: Iterable[tuple[str, str]]) -> tuple[list[ReadRule], list[RuleProblem]]:
    """The rules of texts, each with the name of its file. A text that is wrong is a finding and stops no other."""
    rules: list[ReadRule] = []
    problems: list[RuleProblem] = []
    for name, text in files:
        try:
            document = read_json(text, name)
        except UnreadableDocument as error:
            problems.append(RuleProblem(name, error.line, f"{error.message}.", error.hint))
            continue
        before = len(rules), len(problems)
        rules += _rules(document, problems)
        if (len(rules), len(problems)) == before:
            message = "there is no automation rule in it."
            hint = "Give what Microsoft Sentinel exports under Automation, or a resource of its REST API."
            problems.append(RuleProblem(name, 1, message, hint, severity=ProblemSeverity.WARNING))
    return rules, problems


def _rules(document: Document, problems: list[RuleProblem]) -> Iterable[ReadRule]:
    value = document.value
    if isinstance(value, Mapping) and _is_plain(value):
        yield from _one(document, document, problems)
        return
    if not (is_arm(value) or _is_resource(value) or _are_resources(value)):
        return
    for part, scope in arm_resources(document, problems, _RULE_TYPE):
        if not _is_resource(part.value):
            kind = part.value.get("type") if isinstance(part.value, Mapping) else None
            if isinstance(kind, str) and _RULE_TYPE.fullmatch(kind):
                problems.append(RuleProblem(part.file, part.line(), "this automation rule has no 'properties'."))
            continue
        properties = plain_properties(part, scope, problems)
        if properties is None:
            continue
        name = resource_name(part.value, scope)
        inner = part.at(("properties",), properties)
        open_ = _left_open(properties, ())
        if open_ is not None:
            message = (
                f"'{open_[-1]}' is only known when the template is deployed: a parameter it uses has no default value."
            )
            problems.append(RuleProblem(inner.file, inner.line(open_), message))
            continue
        yield from _one(part, inner, problems, name)


def _one(
    part: Document, properties: Document, problems: list[RuleProblem], name: str | None = None
) -> Iterable[ReadRule]:
    given = properties.value
    title = next((value for key, value in given.items() if key.casefold() == "displayname"), "")
    rule = read_rule(properties, problems, name or derived_id("automation rule", str(title)))
    if rule is not None:
        yield ReadRule(rule, part.file, part.line())


def _left_open(value: JsonValue, path: Path_) -> Path_ | None:
    """The way to the first text that only a deployment would make whole."""
    if isinstance(value, str):
        return path if UNKNOWN in value else None
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return next((found for key, one in parts if (found := _left_open(one, (*path, key))) is not None), None)


def _is_plain(value: Mapping[str, JsonValue]) -> bool:
    """Whether it is the properties of a rule by themselves."""
    folded = {key.casefold() for key in value}
    return all(name.casefold() in folded for name in KEPT)


def _is_resource(value: JsonValue) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("properties"), Mapping):
        return False
    kind = value.get("type")
    if isinstance(kind, str):
        return bool(_RULE_TYPE.fullmatch(kind))
    return any(key.casefold() == "triggeringlogic" for key in value["properties"])


def _are_resources(value: JsonValue) -> bool:
    if isinstance(value, Mapping) and isinstance(value.get("value"), list):
        value = value["value"]
    return isinstance(value, list) and any(_is_resource(one) for one in value)
