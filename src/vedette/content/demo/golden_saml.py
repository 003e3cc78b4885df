"""The golden SAML campaign of the reference material beside a checkout: real tables, and the rules that see them.

`data/campaigns/expected.jsonl` says which files belong to a campaign, which rules it names and when it was;
`data/campaigns/rules.jsonl` has the rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from vedette.content.demo.material import Material, refuse
from vedette.core.errors import InvalidInput
from vedette.core.settings import SHARED_VARIABLE
from vedette.detect.reading.files import ReadRule, read_rule_text
from vedette.kql import ticks

CAMPAIGN: Final = "A-golden-saml"
_PERIOD: Final = timedelta(days=14)
_AFTER: Final = timedelta(hours=1)

# What a rule's record may leave out because it comes from a hunting query.
_SCHEDULE: Final = {
    "kind": "Scheduled",
    "severity": "Medium",
    "queryFrequency": "1d",
    "queryPeriod": "1d",
    "triggerOperator": "gt",
    "triggerThreshold": 0,
}
_FIELDS: Final = ("name", "query", "severity", "tactics", "entityMappings")
"""Fields that a record has beside the rule itself."""


def golden_saml(folder: Path) -> Material:
    """The campaign. Raises `InvalidInput` where the folder, or a file of it, is not there or not as it should be."""
    if not folder.is_dir():
        raise InvalidInput(
            f"{SHARED_VARIABLE} names {folder}, and there is no such folder.",
            hint=f"Correct {SHARED_VARIABLE}, or unset it to see the campaign that ships with Vedette.",
        )
    entries = [entry for entry in _lines(folder, "expected.jsonl") if entry.get("campaign") == CAMPAIGN]
    if not entries:
        raise InvalidInput(f"{folder} has no campaign '{CAMPAIGN}'.", target=CAMPAIGN)
    files = tuple(folder / "data" / file for file in sorted({str(entry["file"]) for entry in entries}))
    for file in files:
        if not file.is_file():
            raise InvalidInput(f"The campaign's file {file} is not there.", file=str(file))
    wanted = {entry["rule_id"] for entry in entries if entry.get("rule_id")}
    rules = tuple(_rules(folder, wanted))
    return Material("the golden SAML campaign", files, rules, _PERIOD, _newest(entries) + _AFTER)


def _newest(entries: list[dict[str, Any]]) -> datetime:
    """The newest event that the campaign's record dates."""
    moments = [ticks.parse_datetime(text) for entry in entries for text in entry.get("times") or () if text]
    dated = [moment for moment in moments if moment is not None]
    if not dated:
        raise InvalidInput(f"The campaign '{CAMPAIGN}' says nowhere when it was.", target=CAMPAIGN)
    return ticks.to_datetime(max(dated))


def _rules(folder: Path, wanted: set[str]) -> Iterator[ReadRule]:
    missing = set(wanted)
    for record in _lines(folder, "rules.jsonl"):
        if record.get("rule_id") not in missing:
            continue
        missing.discard(record["rule_id"])
        beside = {name: record[name] for name in _FIELDS if record.get(name)}
        given = {name: value for name, value in (record.get("raw") or {}).items() if value is not None}
        document = _SCHEDULE | beside | given | {"id": record["rule_id"], "query": record["query"]}
        read, problems = read_rule_text(
            json.dumps(document), f"{_file(folder, 'rules.jsonl')}:{record['rule_id']}.json"
        )
        refuse(problems)
        yield from read
    if missing:
        raise InvalidInput(
            f"The campaign names the rule {sorted(missing)[0]}, which is not among the rules.",
            file=str(_file(folder, "rules.jsonl")),
        )


def _file(folder: Path, name: str) -> Path:
    return folder / "data" / "campaigns" / name


def _lines(folder: Path, name: str) -> list[dict[str, Any]]:
    file = _file(folder, name)
    try:
        texts = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InvalidInput(f"{file} cannot be read: {reason.lower()}.", file=str(file)) from error
    found = []
    for number, text in enumerate(texts, 1):
        if text.strip():
            try:
                found.append(json.loads(text))
            except ValueError as error:
                raise InvalidInput("This line is not JSON.", file=str(file), line=number) from error
            if not isinstance(found[-1], dict):
                raise InvalidInput("This line is not a JSON object.", file=str(file), line=number)
    return found
