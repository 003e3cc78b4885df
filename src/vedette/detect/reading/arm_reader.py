"""Analytics rules and custom detections out of ARM JSON: portal exports, solution packages, and plain objects of the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vedette.detect.reading.arm_expressions import UNKNOWN, ExpressionError, Scope
from vedette.detect.reading.arm_functions import place_of_unknown, truth
from vedette.detect.reading.defender_reader import RESOURCE_TYPE, is_detection_resource, read_defender
from vedette.detect.reading.document import Document
from vedette.detect.reading.layout import read_layout
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import AnalyticsRule, JsonValue

_RULE_TYPE = re.compile(
    r"(?:microsoft\.securityinsights|microsoft\.operationalinsights/workspaces/providers)"
    r"/(?:alertrules|alertruletemplates|securitymlanalyticssettings)"
    rf"|{RESOURCE_TYPE.pattern}"
    r"|(?:microsoft\.operationalinsights/(?:workspaces/)?)?savedsearches|providers/alertrules",
    re.IGNORECASE,
)
"""A resource that stands inside its workspace's has the rest of its type alone."""
_SAVED_SEARCH = "savedsearches"
_HUNTING = "hunting queries"
"""The category of those saved searches that are hunting queries, in lower case; functions and other searches are no rules."""
_INNER = ("mainTemplate", "packagedContent", "template")
"""Properties that hold a template: of a content template, of a package in the catalogue, of a nested deployment."""
RULE_TYPE = "Microsoft.SecurityInsights/alertRules"
"""The type of most of them, as one would write it."""
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_MAX_RESOURCES = 20_000


def is_arm(value: JsonValue) -> bool:
    """Whether a JSON value is an ARM template, a rule object of the REST API, or a list of such."""
    if isinstance(value, list):
        return bool(value) and all(is_arm(entry) for entry in value)
    if not isinstance(value, Mapping):
        return False
    listed = value.get("value")
    if isinstance(listed, list) and "properties" not in value:
        return is_arm(listed)
    if isinstance(value.get("resources"), list | Mapping) or is_rule_object(value):
        return True
    return _inner(value) is not None


def is_rule_object(value: JsonValue) -> bool:
    """Whether a mapping is one alert rule or custom detection as ARM has it: an envelope with `properties`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("properties"), Mapping):
        return False
    if is_detection_resource(value):
        return True
    if _is_saved_search(value):
        return str(value["properties"].get("category")).strip().casefold() == _HUNTING
    kind = value.get("type")
    return bool(_RULE_TYPE.fullmatch(kind)) if isinstance(kind, str) else "kind" in value


def _is_saved_search(value: Mapping[str, JsonValue]) -> bool:
    return str(value.get("type")).casefold().endswith(_SAVED_SEARCH)


def _inner(value: Mapping[str, JsonValue]) -> str | None:
    """The property of a resource that is a template, if there is one."""
    properties = value.get("properties")
    if not isinstance(properties, Mapping):
        return None
    for name in _INNER:
        template = properties.get(name)
        if isinstance(template, Mapping) and isinstance(template.get("resources"), list | Mapping):
            return name
    return None


def types_in(value: Mapping[str, JsonValue]) -> list[str]:
    """The types of a template's own resources, each once."""
    resources = value.get("resources")
    entries = resources.values() if isinstance(resources, Mapping) else resources if isinstance(resources, list) else ()
    found = [entry["type"] for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("type"), str)]
    return list(dict.fromkeys(found))


def read_arm(document: Document, problems: list[RuleProblem]) -> list[tuple[AnalyticsRule, Document]]:
    """The rules of an ARM document, each with its part of the document; findings are appended to `problems`."""
    rules = []
    for part, scope in arm_resources(document, problems, _RULE_TYPE):
        if isinstance(part.value, Mapping) and _is_saved_search(part.value) and not is_rule_object(part.value):
            continue
        rule = _read_resource(part, scope, problems)
        if rule is not None:
            rules.append((rule, part))
    return rules


def arm_resources(
    document: Document, problems: list[RuleProblem], wanted: re.Pattern[str]
) -> Iterator[tuple[Document, Scope | None]]:
    """The resources of the wanted type in a template, nested ones too, with the scope of their expressions; of plain JSON every
    object, with None."""
    value = document.value
    if isinstance(value, Mapping) and isinstance(value.get("value"), list) and "properties" not in value:
        document, value = document.at(("value",), value["value"]), value["value"]
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _standing(document.at((index,), entry), problems, wanted)
    else:
        yield from _standing(document, problems, wanted)


def _standing(
    document: Document, problems: list[RuleProblem], wanted: re.Pattern[str]
) -> Iterator[tuple[Document, Scope | None]]:
    """The resources of a template, or of what holds one; else the object itself."""
    value = document.value
    inner = _inner(value) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and isinstance(value.get("resources"), list | Mapping):
        yield from _template(document, Scope(value), problems, wanted)
    elif inner is not None:
        template = value["properties"][inner]
        yield from _template(document.at(("properties", inner), template), Scope(template), problems, wanted)
    else:
        yield document, None


def _template(
    root: Document, scope: Scope, problems: list[RuleProblem], wanted: re.Pattern[str]
) -> Iterator[tuple[Document, Scope]]:
    waiting: list[tuple[Document, Scope]] = [(root, scope)]
    count = 0
    while waiting:
        template, scope = waiting.pop(0)
        resources = template.value["resources"]
        entries = resources.items() if isinstance(resources, Mapping) else enumerate(resources)
        for key, entry in entries:
            count += 1
            if count > _MAX_RESOURCES:
                problems.append(
                    RuleProblem(root.file, root.line(), f"the template has more than {_MAX_RESOURCES:,} resources.")
                )
                return
            if not isinstance(entry, Mapping):
                continue
            part = template.at(("resources", key), entry)
            if not _is_deployed(part, scope, problems):
                continue
            kind = entry.get("type")
            if isinstance(kind, str) and wanted.fullmatch(kind):
                yield part, scope
            nested = _nested(part, scope)
            if nested is not None:
                waiting.append(nested)
            if isinstance(entry.get("resources"), list | Mapping):
                waiting.append((part, scope))


def _is_deployed(part: Document, scope: Scope, problems: list[RuleProblem]) -> bool:
    """Whether a resource's condition holds; said, with a finding, where it does not or cannot be told."""
    if part.value.get("condition") is None:
        return True
    line = part.line(("condition",))
    try:
        condition = scope.evaluate(part.value["condition"])
        if condition == UNKNOWN:
            raise ExpressionError("a parameter it uses has no default value")
        deployed = truth(condition)
    except ExpressionError as error:
        problems.append(RuleProblem(part.file, line, f"the template does not say whether this is deployed: {error}."))
        return False
    if not deployed:
        message = "this is left out: its 'condition' is false, so the template does not deploy it."
        problems.append(RuleProblem(part.file, line, message, severity=ProblemSeverity.WARNING))
    return deployed


def _nested(part: Document, scope: Scope) -> tuple[Document, Scope] | None:
    """The template inside a resource: a deployment, or a content template of a solution package."""
    name = _inner(part.value)
    if name is None:
        return None
    properties = part.value["properties"]
    template = properties[name]
    options = properties.get("expressionEvaluationOptions")
    if isinstance(options, Mapping) and str(options.get("scope")).casefold() == "inner":
        given = properties.get("parameters")
        values = {
            key: scope.evaluate(entry["value"])
            for key, entry in (given.items() if isinstance(given, Mapping) else ())
            if isinstance(entry, Mapping) and "value" in entry
        }
        scope = Scope(template, values)
    return part.at(("properties", name), template), scope


def _read_resource(part: Document, scope: Scope | None, problems: list[RuleProblem]) -> AnalyticsRule | None:
    resource = part.value
    if not is_rule_object(resource):
        problems.append(
            RuleProblem(part.file, part.line(), "this is not an alert rule: it needs 'kind' and 'properties'.")
        )
        return None
    properties = plain_properties(part, scope, problems)
    if properties is None:
        return None
    unknown = place_of_unknown(properties)
    if unknown is not None:
        problems.append(_left_open(part, unknown))
        return None
    if is_detection_resource(resource):
        return read_defender(part.at(("properties",), properties), problems)
    if _is_saved_search(resource):
        return read_layout(
            part.at(("properties",), _hunting(properties)),
            problems,
            rule_id=resource_name(resource, scope),
            kind="Hunting",
        )
    kind = resource.get("kind")
    if scope is not None:
        try:
            kind = scope.evaluate(kind)
        except ExpressionError as error:
            problems.append(_unsaid(part, error))
            return None
    return read_layout(
        part.at(("properties",), properties),
        problems,
        rule_id=resource_name(resource, scope),
        kind=kind if isinstance(kind, str) else None,
    )


def _hunting(properties: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """A saved search in the public layout: what is said of a hunting query stands in its tags."""
    tags = properties.get("tags")
    said = {
        str(tag.get("name")).casefold(): str(tag.get("value") or "")
        for tag in (tags if isinstance(tags, list) else ())
        if isinstance(tag, Mapping)
    }
    listed = {
        name: [one.strip() for one in said.get(name, "").split(",") if one.strip()]
        for name in ("tactics", "techniques")
    }
    return {
        "displayName": properties.get("displayName"), "query": properties.get("query"), **listed,
        **({"description": said["description"]} if said.get("description") else {}),
    }  # fmt: skip


def plain_properties(part: Document, scope: Scope | None, problems: list[RuleProblem]) -> dict[str, JsonValue] | None:
    """The properties of a resource with their expressions evaluated; None, with a finding, where the template leaves them open."""
    resource = part.value
    properties: dict[str, JsonValue] = resource["properties"]
    for place, values in ((("copy",), resource), (("properties", "copy"), properties)):
        if "copy" in values:
            problems.append(RuleProblem(part.file, part.line(place), "copy loops of ARM templates are not supported."))
            return None
    if scope is not None:
        try:
            properties = _evaluated(part, properties, scope)
        except ExpressionError as error:
            problems.append(_unsaid(part, error))
            return None
    unknown = next((key for key, value in properties.items() if isinstance(value, str) and UNKNOWN in value), None)
    if unknown is not None:
        problems.append(_left_open(part, (unknown,)))
        return None
    return properties


def _left_open(part: Document, place: tuple[str | int, ...]) -> RuleProblem:
    name = ".".join(str(step) for step in place if isinstance(step, str))
    message = f"'{name}' is only known when the template is deployed: a parameter it uses has no default value."
    return RuleProblem(part.file, part.line(("properties", *place)), message)


def _unsaid(part: Document, error: ExpressionError) -> RuleProblem:
    return RuleProblem(part.file, part.line(("properties",)), f"the template does not say the rule: {error}.")


def _evaluated(part: Document, properties: Mapping[str, JsonValue], scope: Scope) -> dict[str, JsonValue]:
    evaluated = {}
    for key, value in properties.items():
        try:
            evaluated[key] = scope.evaluate(value)
        except ExpressionError as error:
            raise ExpressionError(f"'{key}' (line {part.line(('properties', key))}): {error}") from None
    return evaluated


def resource_name(resource: Mapping[str, JsonValue], scope: Scope | None) -> str | None:
    """The last segment of the resource's name (or id), if the template says it."""
    for field in ("name", "id"):
        text = resource.get(field)
        if not isinstance(text, str) or not text:
            continue
        if text.startswith("["):
            # An exported resource may stand alone, without the template that its name's parameters belong to.
            try:
                text = str((scope or Scope({})).evaluate(text))
            except ExpressionError:
                found = set(_GUID.findall(text))
                if len(found) == 1:
                    return str(found.pop())
                continue
        last = text.rstrip("/").rpartition("/")[2].strip()
        if last and UNKNOWN not in last:
            return last
    return None
