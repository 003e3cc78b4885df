"""Priority: a number that is the sum of its parts, follows verdicts and watchlists, and changes nobody's etag."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.incidents.runs import ANN, person, rule, run
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.roles import Role
from vedette.detect.entities.entity import Entity
from vedette.detect.rule import Severity
from vedette.incidents.entity_values import EntityValues
from vedette.incidents.listing import IncidentFilter
from vedette.incidents.priority import MOST, STAGES, Company, Facts, Verdicts, weigh
from vedette.incidents.service import IncidentService
from vedette.store.watchlists.lists import Watchlists, WatchlistSettings

FACTS = st.builds(
    Facts,
    severity=st.sampled_from([one.value for one in Severity]),
    tactics=st.lists(st.sampled_from([*STAGES, "Unknown"]), max_size=4),
    valued=st.lists(st.tuples(st.sampled_from("ab"), st.just("VIPUsers"), st.integers(1, 16)), max_size=3),
    rule_incidents=st.integers(1, 1000),
    latest_incidents=st.integers(1, 1000),
    entity_incidents=st.none() | st.integers(0, 1000),
    verdicts=st.builds(Verdicts, st.integers(0, 200), st.integers(0, 200), st.integers(0, 200)),
    other_rules=st.dictionaries(
        st.sampled_from("xyz"), st.builds(Company, st.just(["Impact"]), st.floats(0, 1), st.integers(1, 20))
    ),
)


@pytest.mark.req("P-110")
@given(FACTS)
def test_the_number_is_the_sum_of_parts_that_say_why(facts: Facts) -> None:
    number, parts = weigh(facts)
    assert 0 <= number <= 100
    assert number == max(0, round(sum(part.points for part in parts)))
    assert [part.name for part in parts] == list(MOST)
    for part in parts:
        assert part.points <= MOST[part.name]
        assert part.points >= 0 or part.name == "verdicts"
        assert part.reason.endswith(".")
    higher, _ = weigh(dataclasses.replace(facts, severity="High"))
    assert higher >= number
    valued, _ = weigh(dataclasses.replace(facts, valued=[*facts.valued, ("c", "VIPUsers", 16)]))
    assert valued >= number
    trusted, _ = weigh(dataclasses.replace(facts, verdicts=Verdicts(facts.verdicts.total, 0, 0)))
    assert trusted >= number


def settle(service: IncidentService) -> None:
    while service.prioritise():
        pass


@pytest.mark.req("P-110")
def test_verdicts_of_a_rule_move_its_other_incidents(service: IncidentService, clock: VirtualClock) -> None:
    for hour in range(5):
        clock.advance(3600)
        service.ingest(run(rule(1), [{"User": f"u{hour}@x.com"}], clock.now()))
    settle(service)
    before, etag = service.get(5)["priority"], service.get(5)["etag"]
    for number in (1, 2, 3):
        service.update(number, {"status": "Closed", "classification": "FalsePositive"}, ANN)
    settle(service)
    after = service.get(5)
    assert after["priority"] < before
    assert after["etag"] == etag
    (reason,) = [part["reason"] for part in after["priorityParts"] if part["name"] == "verdicts"]
    assert reason == "Of 3 closed incidents of its rules, 0 were true positives, 0 benign, 3 false."
    queue = service.list(IncidentFilter(sort="-priority")).value
    assert [one["priority"] for one in queue] == sorted((one["priority"] for one in queue), reverse=True)


@pytest.mark.req("P-110")
def test_a_watchlist_gives_entities_their_value(
    service: IncidentService, state: State, workspace: str, clock: VirtualClock
) -> None:
    service.ingest(run(rule(1), [{"User": "boss@x.com"}, {"User": "kim@x.com"}]))
    settle(service)
    assert service.get(1)["priority"] == service.get(2)["priority"]
    lists = Watchlists(state, workspace, clock)
    items = [{"User Principal Name": "Boss@X.com", "Tags": "kim@x.com"}]
    lists.put("VIP-Users", WatchlistSettings(search_key="User Principal Name"), items, person("c", Role.CONTRIBUTOR))
    settle(service)
    first, second = service.get(1), service.get(2)
    assert first["priority"] > second["priority"]
    assert "boss@x.com is on VIP-Users." in [part["reason"] for part in first["priorityParts"]]
    items = [{"Asset Id": "1", "IP Address": "10.1.0.0/16"}]
    lists.put("HighValueAssets", WatchlistSettings(search_key="Asset Id"), items, person("c", Role.CONTRIBUTOR))
    values = EntityValues.read(lists)
    assert [one[1] for one in values.of([Entity.of("IP", {"Address": "10.1.2.3"})])] == ["HighValueAssets"]
    assert list(values.of([Entity.of("IP", {"Address": "10.2.2.3"})])) == []


@pytest.mark.req("P-110", "T-029")
def test_another_rule_about_the_same_account_is_company(service: IncidentService) -> None:
    service.ingest(run(rule(1), [{"User": "a@x.com"}]))
    settle(service)
    alone = service.get(1)["priority"]
    service.ingest(run(rule(2, tactics=("Exfiltration",)), [{"User": "A@x.com"}]))
    settle(service)
    assert service.get(1)["priority"] > alone
    reasons = [part["reason"] for part in service.get(1)["priorityParts"]]
    assert "1 other rule has incidents about a@x.com, with 1 other tactics." in reasons


@pytest.mark.req("P-110")
@given(FACTS, st.integers(0, 999))
def test_incidents_of_one_run_make_a_rule_hardly_more_common(facts: Facts, number: int) -> None:
    following = min(number, facts.rule_incidents - 1)
    apart, _ = weigh(facts)
    together, parts = weigh(dataclasses.replace(facts, rule_following=following))
    fewer, _ = weigh(dataclasses.replace(facts, rule_incidents=facts.rule_incidents - following))
    assert apart <= together <= fewer
    (reason,) = [part.reason for part in parts if part.name == "rarity"]
    assert (f", {following} of them right after another" in reason) == (following > 0)


@pytest.mark.req("P-110")
def test_two_hosts_found_at_once_are_as_rare_as_one(service: IncidentService, clock: VirtualClock) -> None:
    for hour in range(110):
        clock.advance(3600)
        service.ingest(run(rule(9), [{"User": f"u{hour}@x.com"}], clock.now()))
    service.ingest(run(rule(1), [{"User": "a@x.com"}, {"User": "b@x.com"}], clock.now()))
    service.ingest(run(rule(2), [{"User": "c@x.com"}], clock.now()))
    clock.advance(3600)
    service.ingest(run(rule(3), [{"User": "e@x.com"}], clock.now()))
    service.ingest(run(rule(2), [{"User": "d@x.com"}], clock.now()))
    settle(service)
    rarity = {
        number: next(part for part in service.get(number)["priorityParts"] if part["name"] == "rarity")
        for number in (111, 112, 115)
    }
    assert rarity[112]["reason"].startswith(
        "Its rule made 2 of the latest 112 incidents, 1 of them right after another;"
    )
    assert rarity[115]["reason"].startswith("Its rule made 2 of the latest 115 incidents;")
    assert rarity[111]["points"] == rarity[112]["points"] > rarity[115]["points"]
