"""Lists of incidents: filters, order, pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.plugins.fake_tenant import Door


def fill(door: Door, count: int) -> str:
    token = door.token()
    for number in range(count):
        properties = {
            "title": f"Incident {number}",
            "severity": ("High", "Medium", "Low")[number % 3],
            "status": "New" if number % 2 else "Active",
            "labels": [{"labelName": f"label-{number % 4}"}],
        }
        assert door.arm("PUT", f"incidents/i-{number}", {"properties": properties}, token=token).status_code == 201
        door.clock.advance(timedelta(minutes=1))
    return token


def follow(door: Door, token: str, **query: str) -> list[list[dict[str, Any]]]:
    answer = door.arm("GET", "incidents", token=token, **query)
    pages = []
    while True:
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["value"])
        link = answer.json().get("nextLink")
        if link is None:
            return pages
        answer = door.http.get(link, headers={"Authorization": f"Bearer {token}"})


def titles(page: list[dict[str, Any]]) -> list[str]:
    return [row["properties"]["title"].removeprefix("Incident ") for row in page]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("properties/status eq 'New'", "531"),
        ("properties/severity eq 'High' and properties/status eq 'New'", "3"),
        ("properties/createdTimeUtc ge 2026-03-04T10:18:30Z", "543"),
        ("properties/incidentNumber le 2", "10"),
        ("contains(properties/title, 'incident 4')", "4"),
        ("properties/labels/any(l: l/labelName eq 'label-1')", "51"),
        ("not (properties/status eq 'New')", "420"),
        ("properties/severity eq 'Low' or properties/title eq 'Incident 0'", "520"),
    ],
)
def test_filters(door: Door, text: str, expected: str) -> None:
    token = fill(door, 6)
    (page,) = follow(door, token, filter=text)
    assert "".join(titles(page)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("properties/createdTimeUtc desc", "543210"),
        ("properties/createdTimeUtc asc", "012345"),
        ("properties/createdTimeUtc", "012345"),
        ("properties/severity asc, properties/createdTimeUtc asc", "032514"),
        ("properties/severity desc, properties/createdTimeUtc desc", "415230"),
    ],
)
@pytest.mark.parametrize("top", ["1", "2", "4", "100"])
def test_order_holds_over_pages(door: Door, text: str, expected: str, top: str) -> None:
    pages = follow(door, fill(door, 6), orderby=text, top=top)
    assert "".join("".join(titles(page)) for page in pages) == expected
    assert all(len(page) == int(top) for page in pages[:-1])


def test_a_page_has_fifty_unless_asked_otherwise(door: Door) -> None:
    pages = follow(door, fill(door, 53))
    assert [len(page) for page in pages] == [50, 3]


def test_the_next_link_repeats_the_question(door: Door) -> None:
    token = fill(door, 3)
    text = "properties/title ne 'a & b'"
    link = door.arm("GET", "incidents", token=token, filter=text, top="2").json()["nextLink"]
    query = parse_qs(urlsplit(link).query)
    assert link.startswith(f"{door.server.url}/subscriptions/")
    assert (query["$filter"], query["$top"], query["api-version"]) == ([text], ["2"], ["2022-07-01-preview"])
    assert query["$skipToken"]


def test_what_comes_meanwhile_neither_repeats_nor_hides(door: Door) -> None:
    token = fill(door, 4)
    first = door.arm("GET", "incidents", token=token, top="2").json()
    door.arm("PUT", "incidents/new", {"properties": {"title": "x", "severity": "Low", "status": "New"}}, token=token)
    door.arm("DELETE", "incidents/i-2", token=token)  # the last row of the page that was read
    second = door.http.get(first["nextLink"], headers={"Authorization": f"Bearer {token}"}).json()
    assert titles(first["value"]) + titles(second["value"]) == ["3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"filter": "properties/status eq"}, "ends too early"),
        ({"filter": "properties/status = 'New'"}, "'='"),
        ({"filter": "substringof('a', properties/title)"}, "'substringof'"),
        ({"filter": "(properties/status eq 'New'"}, "')' is missing"),
        ({"filter": "x" * 5000}, "longer than"),
        ({"orderby": "properties/title sideways"}, "'sideways'"),
        ({"top": "0"}, "$top"),
        ({"top": "many"}, "$top"),
        ({"skipToken": "nonsense!"}, "$skipToken"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(door: Door, query: dict[str, str], words: str) -> None:
    answer = door.arm("GET", "incidents", **query)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]
