"""Saved functions out of files: parsers as YAML, and saved searches in ARM templates.

YAML in the layouts of the public Azure-Sentinel repository: a parser's `FunctionName`, `FunctionAlias` and `FunctionQuery`, and
an ASIM parser's `ParserName`, `ParserParams`, `ParserQuery` and `EquivalentBuiltInParser`. JSON as ARM has it: resources of the
type savedSearches with `functionAlias`, or plain such objects of the REST API; in a list or a template, nested ones too. A file
that ends in .kql or .csl is the body of a function without parameters, under the file's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from vedette.core.files import read_whole
from vedette.detect.reading.arm_expressions import ExpressionError, Scope
from vedette.detect.reading.json_reader import read_json
from vedette.detect.reading.problems import UnreadableDocument
from vedette.detect.reading.yaml_reader import read_yaml
from vedette.detect.rule import JsonValue
from vedette.store.functions import FunctionDefinition

YAML: Final = (".yaml", ".yml")
KQL: Final = (".kql", ".csl")
_SUFFIXES: Final = (*YAML, *KQL, ".json")
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_FILES: Final = 10_000
_MAX_RESOURCES: Final = 20_000

Problem = dict[str, Any]


def read_functions(paths: Iterable[Path]) -> tuple[list[FunctionDefinition], list[Problem]]:
    """The functions in files and folders, and what could not be read. Files of a folder that hold none are passed over."""
    found: list[FunctionDefinition] = []
    problems: list[Problem] = []
    for path in paths:
        for file, named in _files(path, problems):
            try:
                if file.stat().st_size > MAX_BYTES:
                    problems.append(_problem(str(file), f"the file has more than {MAX_BYTES:,} bytes."))
                    continue
                text = read_whole(file, MAX_BYTES).decode("utf-8-sig")
            except UnicodeDecodeError:
                problems.append(_problem(str(file), "the file is not text in UTF-8."))
                continue
            except OSError as error:
                reason = "there is no such file or folder" if isinstance(error, FileNotFoundError) else error.strerror
                problems.append(_problem(str(file), f"the file cannot be read: {reason}."))
                continue
            functions, faults = read_function_text(text, str(file), named=named)
            found += functions
            problems += faults
    return found, problems


def _files(path: Path, problems: list[Problem]) -> Iterator[tuple[Path, bool]]:
    if not path.is_dir():
        yield path, True
        return
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                count += 1
                if count > MAX_FILES:
                    problems.append(_problem(str(path), f"the folder has more than {MAX_FILES:,} files."))
                    return
                yield Path(folder) / name, False


def read_function_text(text: str, name: str, *, named: bool = True) -> tuple[list[FunctionDefinition], list[Problem]]:
    """The functions of a text, as if it were the content of a file of that name."""
    problems: list[Problem] = []
    folded = name.lower()
    if folded.endswith(KQL):
        return [FunctionDefinition(Path(name.replace("\\", "/")).stem, text, source=name)], problems
    found: list[FunctionDefinition] = []
    try:
        if folded.endswith(".json") or (not folded.endswith(YAML) and text.lstrip()[:1] in ("{", "[")):
            found += _arm(read_json(text, name).value, name, problems)
        else:
            for document in read_yaml(text, name):
                definition = _yaml(document.value, name)
                if definition is not None:
                    found.append(definition)
    except UnreadableDocument as error:
        return [], [_problem(name, f"{error.message}.", line=error.line, hint=error.hint)]
    if not found and not problems and named:
        problems.append(
            _problem(
                name,
                "the file has no function in it.",
                hint="A parser has FunctionName and FunctionQuery, or ParserName and ParserQuery; a saved search functionAlias.",
            )
        )
    return found, problems


def _problem(file: str, message: str, *, line: int | None = None, hint: str | None = None) -> Problem:
    return {"severity": "Error", "file": file, "line": line, "message": message, "hint": hint}


# -- YAML


def _yaml(value: JsonValue, file: str) -> FunctionDefinition | None:
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("ParserQuery"), str) and value.get("ParserName"):
        about = value.get("Parser")
        about = about if isinstance(about, Mapping) else {}
        return FunctionDefinition(
            str(value["ParserName"]), str(value["ParserQuery"]), _declared(value.get("ParserParams")),
            display_name=str(about.get("Title") or ""), category="ASIM",
            description=str(value.get("Description") or "").strip(), version=str(about.get("Version") or ""),
            equivalent_built_in=str(value.get("EquivalentBuiltInParser") or ""), source=file,
        )  # fmt: skip
    if isinstance(value.get("FunctionQuery"), str) and (value.get("FunctionAlias") or value.get("FunctionName")):
        about = value.get("Function")
        about = about if isinstance(about, Mapping) else {}
        return FunctionDefinition(
            str(value.get("FunctionAlias") or value["FunctionName"]), str(value["FunctionQuery"]),
            _declared(value.get("FunctionParameters") or value.get("FunctionParams")),
            display_name=str(value.get("FunctionName") or ""), category=str(value.get("Category") or ""),
            version=str(about.get("Version") or value.get("Version") or ""), source=file,
        )  # fmt: skip
    return None


def _declared(value: JsonValue) -> str:
    """Parameters as KQL: of a list of names with types and defaults, or of a text that is KQL already."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    return ", ".join(_parameter(one) for one in value if isinstance(one, Mapping))


def _parameter(one: Mapping[str, JsonValue]) -> str:
    folded = {str(key).lower(): value for key, value in one.items()}
    name, kind = str(folded.get("name")), str(folded.get("type") or "string").strip()
    if "default" not in folded or folded["default"] is None or kind.startswith(("table", "(")):
        kind = kind.removeprefix("table:")
        return f"{name}: {'(*)' if kind == 'table' else kind}"
    return f"{name}: {kind}={_default(folded['default'], kind)}"


def _default(value: JsonValue, kind: str) -> str:
    """A default as a literal of its type: plain values are written as KQL has them, literals are left."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    written = text.strip().lower()
    if kind == "string":
        quoted = len(written) > 1 and written[0] in "'\"" and written[-1] == written[0]
        return text if quoted else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if written.startswith(f"{kind}(") or kind not in ("datetime", "timespan", "dynamic", "guid", "decimal"):
        return f"{kind}(null)" if written in ("null", "") else text
    return f"{kind}({text})"


# -- ARM


def _arm(value: JsonValue, file: str, problems: list[Problem]) -> Iterator[FunctionDefinition]:
    waiting: list[tuple[JsonValue, Scope | None]] = [(value, None)]
    count = 0
    while waiting:
        one, scope = waiting.pop(0)
        count += 1
        if count > _MAX_RESOURCES:
            problems.append(_problem(file, f"the template has more than {_MAX_RESOURCES:,} resources."))
            return
        if isinstance(one, list):
            waiting += [(entry, scope) for entry in one]
            continue
        if not isinstance(one, Mapping):
            continue
        properties = one.get("properties")
        if isinstance(one.get("value"), list) and properties is None:
            waiting.append((one["value"], scope))
        resources = one.get("resources")
        if isinstance(resources, list | Mapping):
            inner = Scope(one) if scope is None or "$schema" in one else scope
            waiting += [
                (entry, inner) for entry in (resources.values() if isinstance(resources, Mapping) else resources)
            ]
        if isinstance(properties, Mapping):
            for name in ("mainTemplate", "template"):
                template = properties.get(name)
                if isinstance(template, Mapping):
                    waiting.append((template, Scope(template)))
            if "query" in properties and _is_saved_search(one, properties):
                definition = _saved_search(properties, scope, file, problems)
                if definition is not None:
                    yield definition


def _is_saved_search(resource: Mapping[str, JsonValue], properties: Mapping[str, JsonValue]) -> bool:
    kind = resource.get("type")
    named = isinstance(kind, str) and kind.lower().endswith("savedsearches")
    return "functionAlias" in properties and (named or kind is None)


def _saved_search(
    properties: Mapping[str, JsonValue], scope: Scope | None, file: str, problems: list[Problem]
) -> FunctionDefinition | None:
    held: dict[str, str] = {}
    for name in ("functionAlias", "query", "functionParameters", "displayName", "category", "version"):
        raw = properties.get(name)
        try:
            value = raw if scope is None else scope.evaluate(raw)
        except ExpressionError as error:
            if name in ("functionAlias", "query"):
                problems.append(_problem(file, f"the {name} of a saved search cannot be evaluated: {error}."))
                return None
            value = ""
        held[name] = "" if value is None else str(value)
    if not held["functionAlias"]:
        return None
    return FunctionDefinition(
        held["functionAlias"], held["query"], held["functionParameters"], display_name=held["displayName"],
        category=held["category"], version=held["version"], source=file,
    )  # fmt: skip
