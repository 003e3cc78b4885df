"""Correlation: which signals are campaigns, and what is told of them."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.plugins.state import NOON
from vedette.detect.alerts.moments import wire_datetime
from vedette.detect.correlation.campaign import Campaign, campaigns_of
from vedette.detect.correlation.signals import KILL_CHAIN
from vedette.detect.correlation.story import described
from vedette.detect.rule import AnalyticsRule, RuleKind

CASES = tomllib.loads(Path(__file__).with_name("campaigns.toml").read_text(encoding="utf-8"))["case"]
COLUMNS = ("StartTime", "EndTime", "RaisedTime", "Kind", "Product", "Title", "Severity", "Tactics", "Techniques", "Detection",
           "SignalId", "Entities")  # fmt: skip
LONG = timedelta(days=14)
Row = tuple[Any, ...]


def entity(text: str) -> dict[str, str]:
    kind, _, name = text.partition(":")
    match kind:
        case "oid":
            found, _, full = name.partition("+")
            return {"Type": "account", "AadUserId": found} | ({"FullName": full} if full else {})
        case "account":
            return {"Type": "account", "Name": name.partition("@")[0], "UPNSuffix": name.partition("@")[2]}
        case "name":
            return {"Type": "account", "Name": name}
        case "vm":
            return {"Type": "host", "AzureID": name}
        case _:
            wire, field = {
                "ip": ("ip", "Address"), "host": ("host", "FullName"), "mailbox": ("mailbox", "MailboxPrimaryAddress"),
                "resource": ("azure-resource", "ResourceId"), "url": ("url", "Url"), "hash": ("filehash", "Value"),
                "app": ("cloud-application", "Name"),
            }[kind]  # fmt: skip
            return {"Type": wire, field: name}


def row(
    id_: str, minutes: float, detection: str, tactics: str, entities: list[dict[str, str]], kind: str = "Alert"
) -> Row:
    at = wire_datetime(NOON + timedelta(minutes=minutes))
    said = "" if tactics == "-" else tactics.replace("+", ",")
    return (at, at, at, kind, "Test", detection, "Low", said, "", detection, id_, json.dumps(entities))


def rows_of(line: str) -> list[Row]:
    """The signals of one line of the table."""
    words = line.split()
    kind = next((word.removeprefix("kind=") for word in words if word.startswith("kind=")), "Alert")
    many = next((int(word[1:]) for word in words[4:] if word[0] == "x" and word[1:].isdigit()), 0)
    id_, after, detection, tactics = words[:4]
    named = " ".join(word for word in words[4:] if not word.startswith("kind=") and word != f"x{many}")
    unit = {"d": 1440, "h": 60}.get(after[-1], 1)
    minutes = int(after.rstrip("dh")) * unit
    return [
        row(
            f"{id_}-{number}" if many else id_, minutes + 60 * number, detection, tactics,
            [entity(one.replace("~", str(number))) for one in named.split(",")], kind,
        )
        for number in range(many or 1)
    ]  # fmt: skip


def found(rows: list[Row], minimum: int = 2, since: float = -1e6) -> list[Campaign]:
    rule = AnalyticsRule("fusion", "Fusion", RuleKind.FUSION, extra={"fusionSettings": {"minimumStages": minimum}})
    return campaigns_of(rule, COLUMNS, rows, NOON + timedelta(minutes=since), LONG)


def ids(campaigns: list[Campaign]) -> list[list[str]]:
    return [[signal.id for signal in campaign.signals] for campaign in campaigns]


@pytest.mark.req("T-011", "T-012")
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_which_signals_are_campaigns(case: dict[str, Any]) -> None:
    rows = [one for line in case["signals"] for one in rows_of(line)]
    campaigns = found(rows, case.get("minimum", 2))
    if "count" in case:
        assert [len(campaign.signals) for campaign in campaigns] == [case["count"]]
    else:
        assert ids(campaigns) == [line.split() for line in case["campaigns"]]


ACCOUNTS = st.lists(st.sampled_from(["ann", "bob", "eve", "dan"]), min_size=1, max_size=2, unique=True)
SIGNALS = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(["one", "two", "three", "four"]), st.sampled_from(KILL_CHAIN), ACCOUNTS),
    max_size=12,
)  # fmt: skip


def drawn(signals: list[tuple[int, str, str, list[str]]], prefix: str = "s") -> list[Row]:
    return [
        row(
            f"{prefix}{number:02}",
            minutes,
            detection,
            tactic,
            [entity(f"account:{name}@{prefix}.com") for name in names],
        )
        for number, (minutes, detection, tactic, names) in enumerate(signals)
    ]


@given(SIGNALS, SIGNALS, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_neither_the_order_of_arrival_nor_what_is_unrelated_changes_a_campaign(
    signals: Any, others: Any, source: Any
) -> None:
    rows = drawn(signals)
    told = [campaign.to_dict() for campaign in found(rows)]
    mixed = [*rows, *drawn(others, "other"), *rows]  # a row that is there twice is one signal
    source.shuffle(mixed)
    again = [campaign.to_dict() for campaign in found(mixed) if campaign.id.startswith("s")]
    assert again == told
    assert all(len(story["stages"]) >= 2 for story in told)


@given(SIGNALS)
@settings(max_examples=20, deadline=None)
def test_a_campaign_is_the_same_one_while_it_grows(signals: Any) -> None:
    """Signals come in the order of their time: a campaign keeps its id, or is part of an older one from then on.

    That holds while its entities stay rare. One that becomes common links less than before, and what it held together may part.
    """
    names = [name for _, _, _, accounts in signals for name in accounts]
    assume(all(names.count(name) <= 5 for name in names))
    rows = sorted(drawn(signals), key=lambda one: (one[0], one[COLUMNS.index("SignalId")]))
    began = {str(one[COLUMNS.index("SignalId")]): (one[0], one[COLUMNS.index("SignalId")]) for one in rows}
    known: dict[str, set[str]] = {}
    for upto in range(len(rows) + 1):
        now = {campaign.id: {signal.id for signal in campaign.signals} for campaign in found(rows[:upto])}
        for one, those in known.items():
            home = next(each for each, all_ in now.items() if one in all_)
            assert began[home] <= began[one]
            assert those <= now[home]
        known = now


@pytest.mark.parametrize("first", ["0001-01-01", "1601-01-01", "2026-03-01T11:00:00", "9999-12-31", ""])
@pytest.mark.parametrize("last", ["0001-01-01", "9999-12-31", ""])
def test_a_time_that_no_event_can_have_had_is_none(first: str, last: str) -> None:
    """A product that does not know when it was writes such times; an alert over all of time would be linked to anything."""
    known = row("known", -70, "One", "InitialAccess", [entity("account:ann@x.com")])
    odd = row("odd", -30, "Two", "Impact", [entity("account:ann@x.com")])
    first, last = (
        f"{one}T00:00:00.0000000Z" if len(one) == 10 else f"{one}.0000000Z" if one else "" for one in (first, last)
    )
    [campaign] = found([(first, last, *odd[2:]), known])
    assert [signal.id for signal in campaign.signals] == ["known", "odd"]
    told = [moment[:10] for signal in campaign.signals for moment in (signal.first, signal.last)]
    assert told == ["2026-03-01"] * 4
    assert [one["StartTime"][:10] for one in campaign.rows] == ["2026-03-01"] * 2


def test_only_what_has_grown_since_is_told() -> None:
    rows = [one for line in CASES[0]["signals"] for one in rows_of(line)]
    assert ids(found(rows, since=90)) == [["a", "b", "c"]]
    assert found(rows, since=90.01) == []


@pytest.mark.req("T-013")
def test_the_story_of_a_campaign() -> None:
    rows = [
        *rows_of("a 0 spray InitialAccess account:ann@x.com,ip:203.0.113.9"),
        *rows_of("n 5 odd - account:ann@x.com kind=Behavior"),
        *rows_of("b 30 inbox Persistence account:ann@x.com,mailbox:ann@x.com"),
        *rows_of("c 40 logon LateralMovement ip:203.0.113.9,host:srv1.x.com x2"),
        *rows_of("d 180 encrypt Impact host:srv1.x.com,resource:/subscriptions/s/resourceGroups/g/providers/p/t/store"),
    ]
    [campaign] = found(rows)
    story = campaign.to_dict()
    assert story["start"]["title"] == "spray"
    assert story["start"]["timeUtc"] == "2026-03-01T12:00:00.0000000Z"
    assert story["start"]["entities"] == [
        {"type": "Account", "name": "ann@x.com"},
        {"type": "IP", "name": "203.0.113.9"},
    ]
    stages = story["stages"]
    assert [stage["tactic"] for stage in stages] == ["InitialAccess", "Persistence", "LateralMovement", "Impact"]
    assert [stage["signals"] for stage in stages] == [1, 1, 2, 1]
    assert "linkedTo" not in stages[0]
    assert [(stage["linkedTo"], stage["linkedBy"]) for stage in stages[1:]] == [
        ("a", [{"type": "Account", "name": "ann@x.com"}]),
        ("a", [{"type": "IP", "name": "203.0.113.9"}]),
        ("c-1", [{"type": "Host", "name": "srv1.x.com"}]),
    ]
    assert story["impact"]["tactic"] == "Impact"
    assert [(one["type"], one["tactic"]) for one in story["impact"]["resources"]] == [
        ("AzureResource", "Impact"), ("Host", "Impact"), ("Account", "Persistence"),
    ]  # fmt: skip
    assert (story["alerts"], story["contextualSignals"]) == (5, 1)
    text = described(story, 5000)
    assert "Where it started: spray at 2026-03-01 12:00 UTC, account ann@x.com and IP 203.0.113.9." in text
    assert (
        "2. Persistence, 2026-03-01 12:30 UTC: inbox (Low), account ann@x.com; linked to 'spray' by account ann@x.com."
        in text
    )
    assert text.endswith(
        "Impact: the attack reached Impact, on Azure resource store, host srv1.x.com and account ann@x.com."
    )
    short = described(story, 600)
    assert len(short) <= 600
    assert "further stages" in short
    assert short.endswith(text[-40:])
