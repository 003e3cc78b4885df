"""The queue: filters, sorting, paging, counts, and what changed since."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tests.incidents.runs import ANN, grouped, rule, run
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import InvalidInput
from vedette.core.workspaces import Workspaces
from vedette.detect.entities.entity import Entity
from vedette.detect.rule import MatchingMethod, Severity
from vedette.incidents import listing
from vedette.incidents.fields import FIELDS
from vedette.incidents.listing import MAX_TOP, IncidentFilter, IncidentPage
from vedette.incidents.models import IncidentCounterRow, IncidentEntityRow, IncidentRow, IncidentRuleRow
from vedette.incidents.service import IncidentService


@pytest.fixture
def queue(service: IncidentService, clock: VirtualClock) -> IncidentService:
    """Five incidents: 1 High Closed, 2 Medium Active of ann, 3 Medium New, 4 Low New of bob, 5 High New."""
    rows = [
        ("ann@x.com", Severity.HIGH),
        ("bob@x.com", Severity.MEDIUM),
        ("cid@x.com", Severity.MEDIUM),
        ("ann@x.com", Severity.LOW),
        ("100%_odd", Severity.HIGH),
    ]
    for number, (user, severity) in enumerate(rows, 1):
        service.ingest(
            run(
                rule(number, severity=severity, name=f"Rule {number}"),
                [{"User": user, "Ip": f"10.0.0.{number}"}],
                NOON + number * timedelta(hours=1),
            )
        )
        clock.advance(60)
    service.update(
        1,
        {"status": "Closed", "classification": "BenignPositive", "classificationReason": "SuspiciousButExpected"},
        ANN,
    )
    service.update(
        2, {"status": "Active", "owner": {"id": "id-ann", "name": "Ann"}, "labels": ["phish", "phishing kit"]}, ANN
    )
    service.update(4, {"owner": {"id": "id-bob", "name": "Bob"}}, ANN)
    return service


def found(queue: IncidentService, **filters: Any) -> list[int]:
    page = queue.list(IncidentFilter(**({"sort": "number"} | filters)))
    assert page.count == len(page.value)
    return [line["number"] for line in page.value]


FILTERS: list[Any] = [
    ({}, [1, 2, 3, 4, 5]),
    ({"statuses": ["new"]}, [3, 4, 5]),
    ({"statuses": ["New", "Active"]}, [2, 3, 4, 5]),
    ({"severities": ["High", "low"]}, [1, 4, 5]),
    ({"statuses": ["New"], "severities": ["High"]}, [5]),
    ({"owners": ["id-ann"]}, [2]),
    ({"owners": ["none"]}, [1, 3, 5]),
    ({"owners": ["id-bob", "none"]}, [1, 3, 4, 5]),
    ({"owners": ["nobody"]}, []),
    ({"words": "ann@x.com"}, [1, 4]),
    ({"words": "RULE bob"}, [2, 4]),
    ({"words": "#4"}, [4]),
    ({"words": "100%_odd"}, [5]),
    ({"words": "10_odd"}, []),
    ({"words": "initialaccess t1078"}, [1, 2, 3, 4, 5]),
    ({"words": "vedette"}, [1, 2, 3, 4, 5]),
    ({"words": "phish"}, [2]),
    ({"label": "Phish"}, [2]),
    ({"label": "kit"}, []),
    ({"rule_id": rule(3).id}, [3]),
    ({"entity": "ANN@x.com"}, [1, 4]),
    ({"entity": "10.0.0.3"}, [3]),
    ({"entity": Entity.of("Account", {"Name": "ann", "UPNSuffix": "X.com"})}, [1, 4]),
    ({"entity": Entity.of("IP", {"Address": "10.0.0.3"}), "statuses": ["Closed"]}, []),
]


def test_filters(queue: IncidentService, subtests: pytest.Subtests) -> None:
    for filters, expected in FILTERS:
        with subtests.test(**filters):
            assert found(queue, **filters) == expected


SORTS: list[Any] = [
    ("number", [1, 2, 3, 4, 5]),
    ("-number", [5, 4, 3, 2, 1]),
    ("-severity", [5, 1, 3, 2, 4]),
    ("severity", [4, 2, 3, 1, 5]),
    ("-createdTimeUtc", [5, 4, 3, 2, 1]),
    ("title", [1, 2, 3, 4, 5]),
    ("-lastActivityTimeUtc", [5, 4, 3, 2, 1]),
    ("-alertCount", [5, 4, 3, 2, 1]),
    ("-status", [5, 4, 3, 1, 2]),
]


def test_sorts(queue: IncidentService, subtests: pytest.Subtests) -> None:
    for sort, expected in SORTS:
        with subtests.test(sort=sort):
            assert found(queue, sort=sort) == expected


def test_long_pages_are_those_that_short_ones_make_up(queue: IncidentService, subtests: pytest.Subtests) -> None:
    filters: list[dict[str, Any]] = [{}, {"statuses": ["New"]}, {"entity": "ANN@x.com"}]
    for sort, given in itertools.product([sort for sort, _ in SORTS], filters):
        with subtests.test(sort=sort, **given):
            single = [
                queue.list(IncidentFilter(sort=sort, top=1, skip=skip, **given)).value
                for skip in range(len(FILTERS[0][1]))
            ]
            for top, skip in ((MAX_TOP, 0), (MAX_TOP, 1)):
                long = queue.list(IncidentFilter(sort=sort, top=top, skip=skip, **given)).value
                assert long == [line for page in single[skip:] for line in page]


def test_a_long_page_that_does_not_hold_all(queue: IncidentService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "FEW", 1)
    assert [line["number"] for line in queue.list(IncidentFilter(sort="-title", top=3)).value] == [5, 4, 3]
    assert [line["number"] for line in queue.list(IncidentFilter(sort="title", top=2, skip=2)).value] == [3, 4]


def test_pages(queue: IncidentService) -> None:
    page = queue.list(IncidentFilter(sort="number", top=2, skip=3))
    assert ([line["number"] for line in page.value], page.count) == ([4, 5], 5)
    assert queue.list(IncidentFilter(top=0)).value == []
    assert queue.list(IncidentFilter(skip=99)).value == []


def test_counts_are_of_the_whole_workspace(queue: IncidentService) -> None:
    expected = {
        "status": {"New": 3, "Active": 1, "Closed": 1},
        "severity": {"High": 2, "Medium": 2, "Low": 1, "Informational": 0},
        "owner": [
            {"id": "id-ann", "name": "Ann", "count": 1},
            {"id": "id-bob", "name": "Bob", "count": 1},
            {"id": None, "name": None, "count": 3},
        ],
    }
    assert queue.list().facets == expected
    assert queue.list(IncidentFilter(words="nothing at all")).facets == expected


def test_what_changed_since(queue: IncidentService) -> None:
    mark = queue.list().as_of
    assert found(queue, changed_since=mark) == []
    queue.update(3, {"status": "Active"}, ANN)
    queue.comment(5, "x", ANN)
    queue.update(3, {"status": "Active"}, ANN)
    page = queue.list(IncidentFilter(changed_since=mark, sort="number"))
    assert [line["number"] for line in page.value] == [3, 5]
    assert found(queue, changed_since=page.as_of) == []


REFUSED: list[Any] = [
    ({"statuses": ["Nwe"]}, "'Nwe' is not a status."),
    ({"severities": ["Hgh"]}, "'Hgh' is not a severity."),
    ({"sort": "createdTime"}, "Incidents are not sorted by 'createdTime'."),
    ({"top": 10_001}, "A page has 0 to 10,000 incidents."),
    ({"skip": -1}, "A page has 0 to 10,000 incidents."),
    ({"changed_since": "yesterday"}, "'changedSince' is the 'asOf' of an earlier answer."),
]


def test_what_is_refused(service: IncidentService, subtests: pytest.Subtests) -> None:
    for filters, message in REFUSED:
        with subtests.test(**filters), pytest.raises(InvalidInput) as caught:
            service.list(IncidentFilter(**filters))
        assert caught.value.message == message


def test_the_lines_and_an_empty_queue(service: IncidentService) -> None:
    empty = service.list()
    assert (empty.value, empty.count, empty.as_of) == ([], 0, "0")
    assert empty.facets["status"] == {"New": 0, "Active": 0, "Closed": 0}
    service.ingest(
        run(rule(1, grouped(MatchingMethod.ANY_ALERT)), [{"User": "ann@x.com", "Ip": "1.1.1.1"}, {"User": "bob@x.com"}])
    )
    page = service.list()
    assert page.to_dict()["asOf"] == page.as_of
    (line,) = page.value
    assert line == service.summary(1) == {name: service.get(1)[name] for name in line}
    assert line == {
        "id": line["id"],
        "number": 1,
        "title": "Rule 1",
        "priority": service.get(1)["priority"],
        "severity": "Medium",
        "status": "New",
        "owner": None,
        "classification": None,
        "classificationReason": None,
        "classificationComment": None,
        "labels": [],
        "tactics": ["InitialAccess"],
        "createdTimeUtc": "2026-03-01T12:00:00.000000Z",
        "lastModifiedTimeUtc": "2026-03-01T12:00:00.000000Z",
        "firstActivityTimeUtc": "2026-03-01T11:59:00.0000000Z",
        "lastActivityTimeUtc": "2026-03-01T11:59:00.0000000Z",
        "alertCount": 2,
        "alertProductNames": ["Vedette"],
        "entityNames": ["ann@x.com", "1.1.1.1", "bob@x.com"],
        "revisions": dict.fromkeys(FIELDS, 1),
    }


COUNT = 10_000


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IncidentService]:
    """Ten thousand incidents."""
    directory: Path = tmp_path_factory.mktemp("crowded")
    state = State.in_file(directory / "s.db")
    state.upgrade()
    workspace = Workspaces(state).default().id
    rows, entities, rules = [], [], []
    line = dict.fromkeys(FIELDS) | {
        "entityNames": ["user1@contoso.com", "10.0.0.1"],
        "revisions": dict.fromkeys(FIELDS, 1),
    }
    severities, statuses = list(Severity), ["New", "Active", "Closed"]
    for number in range(1, COUNT + 1):
        severity = severities[number % 4]
        user = f"user{number % 997}@contoso.com"
        rows.append(
            {
                "workspace_id": workspace,
                "number": number,
                "id": f"00000000-0000-4000-8000-{number:012}",
                "title": f"Incident of rule {number % 40}",
                "description": "x" * 400,
                "severity": severity.value,
                "severity_rank": severity.rank,
                "status": statuses[number % 3],
                "owner_id": f"id-{number % 7}" if number % 7 else None,
                "owner_name": f"Person {number % 7}" if number % 7 else None,
                "labels": ["a"],
                "revisions": dict.fromkeys(FIELDS, 1),
                "tactics": ["InitialAccess"],
                "techniques": ["T1078"],
                "rule_ids": ["r"],
                "rule_names": ["r"],
                "product_names": ["Vedette"],
                "entity_names": [user, "10.0.0.1"],
                "first_activity": "2026-03-01T11:59:00.0000000Z",
                "last_activity": "2026-03-01T11:59:00.0000000Z",
                "alert_count": 1,
                "comment_count": 0,
                "created_at": NOON + timedelta(minutes=number),
                "modified_at": NOON,
                "modified_by": "",
                "change": number,
                "summary": json.dumps(line | {"number": number}),
                "search_text": f"#{number}\nincident of rule {number % 40}\n{user}\n10.0.0.1" + "y" * 300,
            }
        )
        entities.append(
            {
                "workspace_id": workspace,
                "number": number,
                "id": f"10000000-0000-4000-8000-{number:012}",
                "type": "Account",
                "name": user,
                "folded_name": user,
                "identifiers": {},
                "keys": [],
                "position": 0,
                "alert_ids": [],
            }
        )
        rules.append({"workspace_id": workspace, "rule_id": f"rule-{number % 40}", "number": number})
    with state.session() as session:
        session.add(IncidentCounterRow(workspace_id=workspace, last_number=COUNT, last_change=COUNT))
        session.execute(insert(IncidentRow), rows)
        session.execute(insert(IncidentEntityRow), entities)
        session.execute(insert(IncidentRuleRow), rules)
    yield IncidentService(state, workspace, VirtualClock(NOON))
    state.dispose()


@pytest.mark.parametrize(
    "filters, count",
    [
        ({}, COUNT),
        ({"sort": "-severity"}, COUNT),
        ({"sort": "title"}, COUNT),
        ({"sort": "-priority"}, COUNT),
        ({"statuses": ["New"], "severities": ["High", "Medium"]}, 1666),
        ({"owners": ["none"]}, 1428),
        ({"words": "user12@ rule"}, 11),
        ({"words": "nothing like it"}, 0),
        ({"entity": "user12@contoso.com"}, 11),
        ({"rule_id": "rule-7"}, 250),
        ({"changed_since": str(COUNT - 3)}, 3),
        ({"skip": 9_900}, COUNT),
    ],
)
def test_ten_thousand_incidents_are_listed_at_once(
    crowded: IncidentService, filters: dict[str, Any], count: int
) -> None:
    """Under 100 ms of a processor (the best of five: the machine may be busy), page of 100 and counts included."""
    wanted = IncidentFilter(**filters)
    times = []
    page: IncidentPage | None = None
    for _ in range(5):
        began = time.thread_time()
        page = crowded.list(wanted)
        times.append(time.thread_time() - began)
    assert page is not None
    assert page.count == count
    assert sum(page.facets["status"].values()) == COUNT
    assert min(times) < 0.1, times
