"""Files of threat intelligence, found by their content among others."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.intel.conftest import Held, indicator
from vedette.collect.files import intelligence
from vedette.collect.files.intelligence import IntelligenceLoader
from vedette.store.report import LoadReport, Outcome

pytestmark = pytest.mark.parametrize("state", ["sqlite"], indirect=True)
IDENTITY = {
    "type": "identity", "id": "identity--19f33886-d196-468e-a14d-f37ff0658ba7", "name": "Contoso CERT", "spec_version": "2.1",
    "created": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "identity_class": "organization",
}  # fmt: skip
# the example of Microsoft's page about importing files
CSV = """\
threatTypes,tags,name,description,confidence,revoked,validFrom,validUntil,tlpLevel,severity,observableType,observableValue
Phishing,"demo, csv",Franken-Phish,Seen in an article,100,,2026-01-18T12:00:00.000Z,,white,5,domain-name,1776769042.example
,,,,,,2026-01-18T12:00:00.000Z,2026-02-01T00:00:00Z,,,ipv4-addr,192.0.2.77
,,,,,,2026-01-18T12:00:00.000Z,,,,file:hashes.'SHA-256',E3B0
"""


def load(held: Held, *paths: Path) -> LoadReport:
    def aside(table: str, records: Any, source: str) -> object:
        return held.intake.accept_unreadable(table, records, source=source)

    return IntelligenceLoader(held.logs, held.clock, None, lambda: held.indicators, aside).load(paths)


def bundle(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--44af6c39-c09b-49c5-9de2-394224b04982", "objects": list(objects)}


@pytest.mark.req("P-079")
def test_a_bundle_in_every_wrapping(held: Held, tmp_path: Path) -> None:
    text = json.dumps(bundle(IDENTITY, indicator(1, created_by_ref=IDENTITY["id"]), indicator(2)), indent=2)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "feed.json").write_text(text)
    report = load(held, tmp_path / "a")
    [one] = report.files
    assert (one.outcome, one.rows, one.bad, one.table) == (Outcome.LOADED, 3, 0, "ThreatIntelIndicators")
    found = held.rows(
        "ThreatIntelIndicators | project SourceSystem, ObservableValue, LastUpdateMethod | sort by ObservableValue asc"
    )
    assert found == [["Contoso CERT", "203.0.113.1", "File"], ["File", "203.0.113.2", "File"]]
    assert held.rows("ThreatIntelObjects | project StixType, SourceSystem") == [["identity", "Contoso CERT"]]
    with gzip.open(tmp_path / "feed.json.gz", "wt") as packed:
        packed.write(text)
    with zipfile.ZipFile(tmp_path / "feed.zip", "w") as archive:
        archive.writestr("deep/feed.txt", text)
    lines = tmp_path / "feed.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in (indicator(2), indicator(3))))
    plain = tmp_path / "list.json"
    plain.write_text(json.dumps([indicator(2), indicator(4)]))
    report = load(held, tmp_path / "feed.json.gz", tmp_path / "feed.zip", lines, plain)
    assert [(file.outcome, file.rows, file.repeated) for file in report.files] == [
        (Outcome.PRESENT, 0, 3), (Outcome.PRESENT, 0, 3), (Outcome.LOADED, 1, 1), (Outcome.LOADED, 1, 1),
    ]  # fmt: skip


@pytest.mark.req("P-079")
def test_what_is_no_indicator_is_put_aside(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    path.write_text(json.dumps(bundle(indicator(1), indicator(2, pattern="[x]"))))
    report = load(held, path)
    assert (report.files[0].rows, report.files[0].bad) == (1, 1)
    [[table, source, line, reason]] = held.rows("VedetteDeadLetter_CL | project TableName, Source, Line, Reason")
    assert (table, source, line) == ("ThreatIntelIndicators", str(path), 2)
    assert reason.startswith("Error for Property=pattern: The pattern is no STIX pattern")


def test_other_files_are_loaded_as_before(held: Held, tmp_path: Path) -> None:
    row = {
        "TimeGenerated": "2026-03-01T00:00:00Z",
        "Id": "x",
        "Data": indicator(1),
        "IsActive": True,
        "ObservableValue": "1.2.3.4",
    }
    table = tmp_path / "ThreatIntelIndicators"
    table.mkdir()
    (table / "export.json").write_text(json.dumps([row]))
    (tmp_path / "Other_CL").mkdir()
    (tmp_path / "Other_CL" / "a.csv").write_text(
        "TimeGenerated,id\n2026-03-01T00:00:00Z,indicator--8516d567-0daa-4614\n"
    )
    (tmp_path / "Other_CL" / "b.json").write_text(
        json.dumps([{"id": indicator(1)["id"], "TimeGenerated": "2026-03-01T00:00:00Z"}])
    )
    report = load(held, table, tmp_path / "Other_CL")
    assert sorted((file.table, file.rows) for file in report.files) == [
        ("Other_CL", 1), ("Other_CL", 1), ("ThreatIntelIndicators", 1),
    ]  # fmt: skip
    assert held.indicators.find(active=None)[1] == 0


def test_a_file_that_is_too_large(held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intelligence, "MOST_BYTES", 2_000)
    feed, log = tmp_path / "feed.json", tmp_path / "Seen_CL.jsonl"
    feed.write_text(json.dumps(bundle(*(indicator(number) for number in range(9)))))
    log.write_text("".join(json.dumps({"id": indicator(number)["id"], "seen": number}) + "\n" for number in range(99)))
    first, second = sorted(load(held, feed, log).files, key=lambda file: file.path.name != "feed.json")
    assert (first.outcome, "at most" in str(first.error)) == (Outcome.FAILED, True)
    assert (second.table, second.rows) == ("Seen_CL", 99)


@pytest.mark.req("P-079")
def test_the_csv_of_microsofts_template(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "indicators.csv"
    path.write_text(CSV)
    assert load(held, path).files[0].rows == 3
    found = held.rows(
        "ThreatIntelIndicators | project ObservableKey, ObservableValue, IsActive, Confidence, Tags, tostring(AdditionalFields.TLPLevel), "
        "tostring(Data.name), SourceSystem | sort by ObservableKey asc"
    )
    assert found == [
        ["domain-name:value", "1776769042.example", True, 100, '["demo", "csv"]', "White", "Franken-Phish", "File"],
        ["file:hashes.'SHA-256'", "E3B0", True, None, "[]", "", "E3B0", "File"],
        ["ipv4-addr:value", "192.0.2.77", False, None, "[]", "", "192.0.2.77", "File"],
    ]
    assert held.rows(
        "ThreatIntelligenceIndicator | where isnotempty(DomainName) | project ThreatType, ThreatSeverity"
    ) == [["Phishing", 5]]
    held.clock.advance(60)
    assert load(held, path).files[0].outcome is Outcome.PRESENT
    path.write_text(CSV.replace("Seen in an article", "Seen again").replace(",", ";").replace("demo; csv", "demo, csv"))
    again = load(held, path).files[0]
    assert (again.rows, again.repeated) == (1, 2)


BAD_LINES = {
    ",,,,,,yesterday,,,,ipv4-addr,1.2.3.4": "validFrom is 'yesterday', no timestamp (2026-03-01T12:00:00Z).",
    ",,,,,,,,,,ipv4-addr,1.2.3.4": "validFrom is empty.",
    ",,,,200,,2026-01-18T12:00:00Z,,,,ipv4-addr,1.2.3.4": "confidence is '200', no whole number from 0 to 100.",
    ",,,,,,2026-01-18T12:00:00Z,,,,ipv4-addr,1.2.3.400": "'1.2.3.400' is not an address or a network.",
    ",,,,,,2026-01-18T12:00:00Z,,,,ipv4-adr,1.2.3.4": "There is no kind of indicator 'ipv4-adr'.",
    ",,,,,,2026-01-18T12:00:00Z,,pink,,ipv4-addr,1.2.3.4": "'pink' is none of white, green, amber, red.",
    ",,,,,maybe,2026-01-18T12:00:00Z,,,,ipv4-addr,1.2.3.4": "revoked is 'maybe', neither true nor false.",
    "only,three,cells": "it has 3 cells, and the heading 12",
}


def test_lines_of_a_csv_that_are_no_indicators(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "indicators.csv"
    path.write_text(CSV + "".join(f"{line}\n" for line in BAD_LINES))
    report = load(held, path)
    assert (report.files[0].rows, report.files[0].bad) == (3, len(BAD_LINES))
    found = held.rows("VedetteDeadLetter_CL | sort by Line asc | project Line, Reason, Raw")
    assert found == [[line, reason, raw] for line, (raw, reason) in enumerate(BAD_LINES.items(), 5)]


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        (
            "validFrom,observableType,observableValue,owner,cost",
            "columns that the template for indicators does not know: owner, cost.",
        ),
        ("observableType,observableValue", "The file lacks the column validFrom."),
    ],
)
def test_a_csv_with_other_columns_is_refused(held: Held, tmp_path: Path, heading: str, message: str) -> None:
    path = tmp_path / "indicators.csv"
    path.write_text(f"{heading}\n")
    [file] = load(held, path).files
    assert file.outcome is Outcome.FAILED
    assert message in str(file.error)
