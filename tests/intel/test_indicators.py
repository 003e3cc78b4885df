"""Objects of STIX as state and rows: versions, ends, repetition, and what people say of them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from tests.intel.conftest import ID, Held, indicator
from tests.plugins.state import NOON
from vedette.core.audit import Audit
from vedette.core.clock import VirtualClock
from vedette.core.errors import InvalidInput, NotFound, TooManyRequests
from vedette.core.roles import SYSTEM
from vedette.intel.indicators import AGAIN, SPREAD, Indicators
from vedette.intel.stix import InvalidObject, read_object

SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)
NEWEST = "ThreatIntelIndicators | summarize arg_max(TimeGenerated, *) by Id, ObservableValue"


@pytest.mark.req("P-075", "P-076", "P-077")
@SQLITE
def test_rows_of_an_indicator(held: Held) -> None:
    given = indicator(
        pattern="[ipv4-addr:value = '203.0.113.45' OR domain-name:value = 'evil.example']", labels=["phish"], confidence=80,
        valid_until="2026-06-04T09:00:00Z", description="Seen in a wave", indicator_types=["malicious-activity"],
        object_marking_refs=["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
        kill_chain_phases=[{"kill_chain_name": "lockheed-martin-cyber-kill-chain", "phase_name": "command-and-control"}],
    )  # fmt: skip
    taken = held.indicators.take([given], "Contoso CTI", "UploadAPI")
    assert (taken.added, taken.changed, taken.unchanged, taken.refused) == (1, 0, 0, [])
    [one, two] = held.rows(
        "ThreatIntelIndicators | sort by ObservableKey desc | project TimeGenerated, SourceSystem, LastUpdateMethod, IsDeleted, "
        "IsActive, Revoked, ValidFrom, ValidUntil, Created, Modified, Tags, Confidence, Pattern, ObservableKey, ObservableValue, "
        "tostring(AdditionalFields.TLPLevel), tostring(Data.name), tostring(split(Id, '--')[2]), Type"
    )
    assert one == [
        "2026-03-01T12:00:00.0000000Z", "Contoso CTI", "UploadAPI", False, True, False, "2026-02-01T09:00:00.0000000Z",
        "2026-06-04T09:00:00.0000000Z", "2026-02-01T09:00:00.0000000Z", "2026-02-01T09:00:00.0000000Z", '["phish"]', 80,
        given["pattern"], "ipv4-addr:value", "203.0.113.45", "Green", "C2 address 0", ID.partition("--")[2], "ThreatIntelIndicators",
    ]  # fmt: skip
    assert two[13:15] == ["domain-name:value", "evil.example"]
    legacy = held.rows(
        "ThreatIntelligenceIndicator | sort by DomainName asc | project SourceSystem, ExternalIndicatorId, ThreatType, Active, Tags, "
        "ConfidenceScore, Description, TrafficLightProtocolLevel, KillChainC2, ExpirationDateTime, NetworkIP, DomainName"
    )
    common = ["Contoso CTI", ID, "malicious-activity", True, '["phish"]', 80.0, "Seen in a wave", "Green", True,
              "2026-06-04T09:00:00.0000000Z"]  # fmt: skip
    assert legacy == [[*common, "203.0.113.45", ""], [*common, "", "evil.example"]]
    assert held.rows("ThreatIntelligenceIndicator | distinct IndicatorId | count") == [[2]]


@pytest.mark.req("P-077")
@SQLITE
def test_what_is_seen_together_is_one_row_of_the_older_table(held: Held) -> None:
    pattern = "[file:hashes.MD5 = 'd41d' AND file:name = 'a.exe'] OR [network-traffic:src_ref.value ISSUBSET '10.0.0.0/8'] OR " \
              "[email-message:from_ref.value = 'a@evil.example' AND email-message:subject = 'Invoice']"  # fmt: skip
    held.indicators.take([indicator(pattern=pattern)], "S", "File")
    found = held.rows(
        "ThreatIntelligenceIndicator | project FileHashType, FileHashValue, FileName, NetworkSourceCidrBlock, NetworkSourceIP, "
        "EmailSenderAddress, EmailSourceDomain, EmailSubject | sort by FileName desc, EmailSubject desc"
    )
    assert found == [
        ["MD5", "d41d", "a.exe", "", "", "", "", ""],
        ["", "", "", "", "", "a@evil.example", "evil.example", "Invoice"],
        ["", "", "", "10.0.0.0/8", "", "", "", ""],
    ]


@SQLITE
def test_other_objects_go_into_their_own_table(held: Held) -> None:
    actor = {
        "type": "threat-actor", "id": "threat-actor--8516d567-0daa-4614-8745-e3591e1b48cf", "created": "2026-01-01T00:00:00Z",
        "modified": "2026-01-02T00:00:00Z", "name": "Bear",
    }  # fmt: skip
    marking = {
        "type": "marking-definition",
        "id": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "definition": {"tlp": "green"},
    }
    for _ in range(2):
        taken = held.indicators.take([actor, marking], "S", "TAXII")
    assert (taken.added, taken.unchanged) == (0, 2)
    found = held.rows("ThreatIntelObjects | project StixType, tostring(Data.name), IsDeleted | sort by StixType asc")
    assert found == [["marking-definition", "", False], ["threat-actor", "Bear", False]]
    assert held.rows("ThreatIntelIndicators | count") == [[0]]


@SQLITE
def test_the_same_version_again_writes_nothing(held: Held) -> None:
    held.indicators.take([indicator()], "S", "TAXII")
    held.clock.advance(3600)
    taken = held.indicators.take([indicator(), indicator(name="Other", modified="2026-01-31T00:00:00Z")], "S", "TAXII")
    assert (taken.added, taken.changed, taken.unchanged) == (0, 0, 2)
    assert held.rows("union ThreatIntelIndicators, ThreatIntelligenceIndicator | count") == [[2]]


@SQLITE
def test_a_source_is_part_of_what_an_indicator_is(held: Held) -> None:
    held.indicators.take([indicator()], "One", "TAXII")
    held.indicators.take([indicator()], "Two", "TAXII")
    assert held.rows("ThreatIntelIndicators | summarize dcount(Id), count()") == [[2, 2]]
    with pytest.raises(InvalidInput, match="Several sources have"):
        held.indicators.get(ID)
    [[table_id]] = held.rows("ThreatIntelIndicators | where SourceSystem == 'Two' | project Id")
    assert held.indicators.get(table_id).source == "Two"


@SQLITE
def test_a_newer_version_ends_what_it_does_not_name_any_more(held: Held) -> None:
    first = indicator(pattern="[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]")
    held.indicators.take([first], "S", "TAXII")
    held.clock.advance(60)
    newer = first | {"modified": "2026-02-02T00:00:00Z", "pattern": "[ipv4-addr:value IN ('192.0.2.2', '192.0.2.3')]"}
    assert held.indicators.take([newer], "S", "TAXII").changed == 1
    assert held.rows(f"{NEWEST} | project ObservableValue, IsActive | sort by ObservableValue asc") == [
        ["192.0.2.1", False], ["192.0.2.2", True], ["192.0.2.3", True],
    ]  # fmt: skip
    assert held.rows(
        "ThreatIntelligenceIndicator | summarize arg_max(TimeGenerated, *) by IndicatorId | project NetworkIP, Active | sort by NetworkIP asc"
    ) == [["192.0.2.1", False], ["192.0.2.2", True], ["192.0.2.3", True]]


IN_FORCE: list[tuple[dict[str, Any], bool]] = [
    ({}, True), ({"revoked": True}, False), ({"valid_until": "2026-03-01T12:00:00Z"}, False),
    ({"valid_until": "2026-03-01T12:00:00.001Z"}, True), ({"valid_from": "2026-03-01T12:00:00.001Z"}, False),
    ({"valid_from": "2026-03-01T13:00:00+01:00"}, True),
]  # fmt: skip


@pytest.mark.req("P-080")
@SQLITE
def test_what_is_in_force(held: Held) -> None:
    given = [indicator(number, **changed) for number, (changed, _) in enumerate(IN_FORCE, 1)]
    expected = [active for _, active in IN_FORCE]
    held.indicators.take(given, "S", "TAXII")
    assert [
        row[0] for row in held.rows("ThreatIntelIndicators | sort by ObservableValue asc | project IsActive")
    ] == expected
    assert [
        row[0] for row in held.rows("ThreatIntelligenceIndicator | sort by NetworkIP asc | project Active")
    ] == expected
    assert [held.indicators.get(one["id"]).active for one in given] == expected
    assert held.indicators.find(active=True)[1] == sum(expected)
    assert held.indicators.find(active=False)[1] == len(expected) - sum(expected)


def passing(held: Held, span: timedelta, step: timedelta = timedelta(hours=6)) -> None:
    """Time passes, and what becomes due is written."""
    end = held.clock.now() + span
    while held.clock.now() < end:
        held.clock.advance(step)
        held.indicators.write()


@pytest.mark.req("P-080")
@SQLITE
def test_an_expired_indicator_is_ended_and_kept(held: Held) -> None:
    held.indicators.take([indicator(valid_until="2026-03-03T00:00:00Z")], "S", "TAXII")
    passing(held, timedelta(days=30))
    assert held.rows("ThreatIntelIndicators | project TimeGenerated, IsActive | sort by TimeGenerated asc") == [
        ["2026-03-01T12:00:00.0000000Z", True], ["2026-03-03T00:00:00.0000000Z", False],
    ]  # fmt: skip
    assert held.indicators.get(ID).active is False


@SQLITE
def test_what_begins_later_is_told_when_it_begins(held: Held) -> None:
    held.indicators.take([indicator(valid_from="2026-03-03T00:00:00Z")], "S", "TAXII")
    passing(held, timedelta(days=5))
    assert held.rows("ThreatIntelIndicators | project TimeGenerated, IsActive | sort by TimeGenerated asc") == [
        ["2026-03-01T12:00:00.0000000Z", False], ["2026-03-03T00:00:00.0000000Z", True],
    ]  # fmt: skip


@SQLITE
def test_what_is_in_force_is_written_again_in_time_for_rules_that_look_back_14_days(held: Held) -> None:
    count = 60
    held.indicators.take([indicator(number) for number in range(1, count + 1)], "S", "TAXII")
    held.indicators.take([indicator(999, revoked=True)], "S", "TAXII")
    passing(held, timedelta(days=45), timedelta(hours=12))
    [[ids, shortest, longest, least, most]] = held.rows(
        "ThreatIntelIndicators | where IsActive | sort by Id asc, TimeGenerated asc | extend Gap = TimeGenerated - prev(TimeGenerated), "
        "Same = Id == prev(Id) | summarize Rows = count(), Shortest = minif(Gap, Same), Longest = maxif(Gap, Same) by Id "
        "| summarize count(), min(Shortest) / 1d, max(Longest) / 1d, min(Rows), max(Rows)"
    )
    assert ids == count
    assert shortest >= AGAIN / timedelta(days=1)
    assert longest <= (AGAIN + SPREAD) / timedelta(days=1) + 0.5
    assert least >= 4
    assert most <= 7
    # not all at once
    assert (
        held.rows("ThreatIntelIndicators | where IsActive | summarize count() by bin(TimeGenerated, 1d) | count")[0][0]
        > 10
    )
    assert held.rows("ThreatIntelIndicators | where not(IsActive) | count") == [[1]]


@SQLITE
def test_an_intake_that_is_full_gets_the_rows_later(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    accept = held.intake.accept

    def full(table: str, *given: Any, **named: Any) -> object:
        if table == "ThreatIntelligenceIndicator":
            raise TooManyRequests("full", retry_after=1)
        return accept(table, *given, **named)

    monkeypatch.setattr(held.intake, "accept", full)
    assert held.indicators.take([indicator()], "S", "TAXII").added == 1
    monkeypatch.undo()
    held.clock.advance(30)
    assert held.indicators.write_due() == 1
    assert held.indicators.write_due() == 0
    assert held.rows("union withsource=T ThreatIntelIndicators, ThreatIntelligenceIndicator | summarize count() by T | sort by T asc") == [
        ["ThreatIntelIndicators", 1], ["ThreatIntelligenceIndicator", 1],
    ]  # fmt: skip


class Once(threading.Event):
    """Is set after one look."""

    def is_set(self) -> bool:
        seen, self.seen = getattr(self, "seen", False), True
        return seen


@SQLITE
def test_what_was_written_by_a_clock_far_ahead_is_written_again_when_it_is_right(held: Held) -> None:
    held.clock.advance(timedelta(days=4000))
    held.indicators.take([indicator(), indicator(1, valid_from="2039-01-01T00:00:00Z")], "S", "TAXII")
    right = VirtualClock(NOON)
    after = Indicators(held.state, held.indicators.workspace_id, right, lambda: held.intake)
    assert after.write_due() == 0
    after.keep(Once())
    assert held.rows(
        "ThreatIntelIndicators | summarize count(), take_anyif(IsActive, TimeGenerated < datetime(2027-01-01)) by ObservableValue "
        "| sort by ObservableValue asc"
    ) == [["203.0.113.0", 2, True], ["203.0.113.1", 2, False]]


@pytest.mark.req("P-080", "P-081")
@SQLITE
def test_what_people_say_holds_against_later_versions(held: Held) -> None:
    held.indicators.take([indicator()], "S", "TAXII")
    held.clock.advance(60)
    assert held.indicators.withdraw(ID, SYSTEM).active is False
    held.indicators.take([indicator(modified="2026-02-20T00:00:00Z")], "S", "TAXII")
    assert held.rows(f"{NEWEST} | project IsActive, Revoked") == [[False, True]]
    assert held.indicators.reinstate(ID, SYSTEM).active is True
    assert held.indicators.tag(ID, SYSTEM, ["watched", "q2"], []).tags == ["watched", "q2"]
    assert held.indicators.tag(ID, SYSTEM, [], ["q2"]).tags == ["watched"]
    held.clock.advance(60)
    held.indicators.take([indicator(modified="2026-02-21T00:00:00Z", labels=["phish"])], "S", "TAXII")
    assert held.rows(f"{NEWEST} | project IsActive, Tags") == [[True, '["phish", "watched"]']]
    actions = [entry.action for entry in Audit(held.state).entries()]
    assert [one for one in actions if one.startswith("indicators/")][::-1] == [
        "indicators/revoke", "indicators/reinstate", "indicators/tag", "indicators/tag",
    ]  # fmt: skip


@SQLITE
def test_a_deleted_indicator_comes_back_with_a_later_version_alone(held: Held) -> None:
    held.indicators.take([indicator()], "S", "TAXII")
    held.clock.advance(60)
    held.indicators.delete(ID, SYSTEM)
    with pytest.raises(NotFound):
        held.indicators.get(ID)
    assert held.rows(f"{NEWEST} | project IsActive, IsDeleted") == [[False, True]]
    assert held.indicators.take([indicator()], "S", "TAXII").unchanged == 1
    assert held.indicators.find(active=None)[1] == 0
    held.clock.advance(60)
    assert held.indicators.take([indicator(modified="2026-02-21T00:00:00Z")], "S", "TAXII").changed == 1
    assert held.rows(f"{NEWEST} | project IsActive, IsDeleted") == [[True, False]]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": None}, "Error for Property=id: Required property is missing. Actual value: NULL."),
        ({"id": "indicator--1"}, "It is no id of STIX"),
        ({"id": "malware--8516d567-0daa-4614-8745-e3591e1b48cf"}, "not that of an object of the type indicator"),
        ({"pattern": None}, "Error for Property=pattern: Required property is missing."),
        ({"pattern": "[ipv4-addr:value = ]"}, "The pattern is no STIX pattern"),
        ({"valid_from": "yesterday"}, "It is no timestamp of RFC 3339. Actual value: yesterday."),
        ({"valid_from": "2026-02-30T00:00:00Z"}, "Error for Property=valid_from"),
        ({"valid_until": "2026-02-01T09:00:00Z"}, "It is not later than valid_from."),
        ({"confidence": 101}, "no whole number from 0 to 100"),
        ({"revoked": "yes"}, "neither true nor false"),
        ({"name": 7}, "It is not a text."),
        ({"modified": None}, "Error for Property=modified"),
        ({"x_large": "x" * 300_000}, "262,144 are allowed"),
        ({"x_number": float("nan")}, "cannot be written as JSON"),
        ({"x_number": 2**70}, "cannot be written as JSON"),
        ({"name": "half \ud800"}, "cannot be written as JSON"),
    ],
)
def test_what_is_wrong_with_an_object(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidObject) as refused:
        read_object(indicator(**changed))
    assert any(message in one for one in refused.value.messages)


@SQLITE
def test_what_is_refused_is_told_and_the_others_are_kept(held: Held) -> None:
    taken = held.indicators.take([indicator(1), indicator(2, pattern="[x]"), 7, indicator(3)], "S", "UploadAPI")
    assert taken.added == 2
    assert [place for place, _ in taken.refused] == [1, 2]
    assert held.rows("ThreatIntelIndicators | count") == [[2]]


@SQLITE
def test_a_pattern_of_another_language_is_kept_without_observables(held: Held) -> None:
    held.indicators.take([indicator(pattern="rule x { condition: true }", pattern_type="yara")], "S", "TAXII")
    found = held.rows("ThreatIntelIndicators | project Pattern, ObservableKey, ObservableValue, IsActive")
    assert found == [["rule x { condition: true }", "", "", True]]


@SQLITE
def test_who_changes_something_does_not_wait_for_what_else_is_due(held: Held) -> None:
    held.indicators.take([indicator(number) for number in range(1, 9)], "S", "TAXII")
    held.clock.advance(timedelta(days=12))
    held.indicators.tag(indicator(3)["id"], SYSTEM, ["mine"])
    assert held.rows("ThreatIntelIndicators | count") == [[9]]
    assert held.indicators.write_due() == 7


@SQLITE
def test_finding(held: Held) -> None:
    held.indicators.take([indicator(number, name=f"100% bad_{number}") for number in range(1, 31)], "S", "TAXII")
    held.clock.advance(1)
    held.indicators.take([indicator(31)], "Other", "TAXII")
    assert held.indicators.find(words="203.0.113.17")[1] == 1
    assert held.indicators.find(words="BAD_1 100%")[1] == 11
    assert held.indicators.find(words="bad%1")[1] == 0
    assert held.indicators.find(source="Other")[0][0].name == "C2 address 31"
    page, count = held.indicators.find(top=5, skip=30)
    assert (len(page), count) == (1, 31)
    assert held.indicators.counts() == {"S": 30, "Other": 1}
