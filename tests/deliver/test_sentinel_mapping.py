"""A run becomes an incident: identity, severity, fields."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deliver.conftest import RUN
from vedette.core.errors import InvalidInput
from vedette.core.ids import NAMESPACE
from vedette.deliver.detection import DetectionSeverity, from_rule_run, incident_id, severity_from
from vedette.deliver.kinds.sentinel import MAX_TITLE, SEVERITIES, SOURCE, incident_properties
from vedette.detect.alerts.alert import Exhaustiveness, Outcome, RuleRun, RunError, RunType
from vedette.detect.rule import AnalyticsRule, Severity, Threshold

# Golden vectors: incidents that were delivered long ago must be met again. A change here makes duplicates at customers.
GOLDEN = [
    (
        "2391ce61-8c8d-41ac-9723-d945b2e90720",
        "9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01",
        "7c7b7b5a-9220-559f-b85e-4bc2995b2972",
    ),
    (
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000000",
        "4a437fc5-e895-594b-ae97-cbc113caace5",
    ),
    ("detection-1", "run-1", "9ee8b4d5-35c6-5b16-8992-c13ada595097"),
    ("rare-sign-in", "2026-03-04T10:00:00Z", "39d3ffc2-dc5c-5315-830a-49838a30b335"),
]


@pytest.mark.req("D-055")
@pytest.mark.parametrize(("detection_id", "run_id", "expected"), GOLDEN)
def test_golden_ids(detection_id: str, run_id: str, expected: str) -> None:
    assert incident_id(detection_id, run_id) == expected
    assert uuid.UUID(expected).version == 5


@pytest.mark.req("D-055")
def test_the_namespace_is_fixed() -> None:
    assert str(NAMESPACE) == "6f0d9a52-5f3b-5c0e-9d6b-2c1f0f4f8a11"


PLAIN = st.text(st.characters(exclude_characters=":%", exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(detection_id=PLAIN, run_id=PLAIN)
def test_the_id_is_the_uuid_of_detection_colon_run(detection_id: str, run_id: str) -> None:
    assert incident_id(detection_id, run_id) == str(uuid.uuid5(NAMESPACE, f"{detection_id}:{run_id}"))


@given(st.tuples(st.text(":%ab", min_size=1, max_size=6), st.text(":%ab", min_size=1, max_size=6)),
       st.tuples(st.text(":%ab", min_size=1, max_size=6), st.text(":%ab", min_size=1, max_size=6)))  # fmt: skip
def test_different_runs_have_different_ids(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (incident_id(*one) == incident_id(*other)) == (one == other)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        pytest.param("CRITICAL", "High", marks=pytest.mark.req("D-036", "D-032")),
        pytest.param("HIGH", "High", marks=pytest.mark.req("D-037", "D-032")),
        pytest.param("MEDIUM", "Medium", marks=pytest.mark.req("D-038", "D-032")),
        pytest.param("LOW", "Low", marks=pytest.mark.req("D-039", "D-032")),
        pytest.param("INFORMATIONAL", "Informational", marks=pytest.mark.req("D-040")),
        ("High", "High"),
        (" low ", "Low"),
    ],
)
def test_severities(severity: str, expected: str) -> None:
    assert SEVERITIES[severity_from(severity)] == expected
    assert incident_properties(replace(RUN, severity=severity_from(severity))).severity == expected


@pytest.mark.req("D-040")
@pytest.mark.parametrize("severity", ["", "NONE", "5", "SEVERE", "Hihg", "critical!"])
def test_another_severity_is_refused(severity: str) -> None:
    with pytest.raises(InvalidInput, match="is not a severity"):
        severity_from(severity)


def test_every_severity_is_mapped() -> None:
    assert set(SEVERITIES) == set(DetectionSeverity)
    with pytest.raises(InvalidInput) as caught:
        severity_from("Hihg")
    assert caught.value.hint == "Did you mean HIGH?"


@pytest.mark.req("D-030", "D-033", "D-034", "D-035")
def test_the_fields_of_the_incident() -> None:
    wire = incident_properties(RUN).to_wire()
    assert wire["title"] == "Rare sign-in from a new country"
    assert wire["status"] == "New"
    assert wire["firstActivityTimeUtc"] == "2026-03-04T09:00:00Z"
    assert wire["lastActivityTimeUtc"] == "2026-03-04T10:00:00.25Z"
    assert set(wire) == {
        "title", "description", "severity", "status", "firstActivityTimeUtc", "lastActivityTimeUtc", "providerName",
    }  # fmt: skip


def test_the_source_is_the_provider_or_else_a_label() -> None:
    seeds = incident_properties(RUN, "2022-07-01-preview")
    assert (seeds.provider_name, seeds.labels) == ("Vedette Federated Detections", ())
    current = incident_properties(RUN, "2024-09-01")
    assert (current.provider_name, current.labels) == (None, (SOURCE,))


def test_a_title_is_one_line_of_bounded_length() -> None:
    assert incident_properties(replace(RUN, name="a\nb")).title == "a b"
    assert len(incident_properties(replace(RUN, name="x" * 5000)).title) == MAX_TITLE


@pytest.mark.req("D-031", "D-057")
def test_a_rules_run_becomes_a_detection_run() -> None:
    rule = AnalyticsRule(
        id=RUN.detection_id, name="Rule", description="Why.", severity=Severity.LOW, trigger=Threshold(value=7)
    )
    run = RuleRun(
        id="run",
        rule=rule,
        type=RunType.MANUAL,
        start=RUN.ran_at - timedelta(hours=1),
        end=RUN.ran_at,
        outcome=Outcome.MATCHED,
        rows=9,
        exhaustiveness=Exhaustiveness.PARTIAL,
        search_id="s",
        trace_id="",
    )
    told = from_rule_run(run, "https://x", 5)
    assert (told.detection_id, told.run_id, told.name, told.description) == (rule.id, "run", "Rule", "Why.")
    assert (told.severity, told.outcome, told.run_type) == ("LOW", Outcome.MATCHED, RunType.MANUAL)
    assert (told.match_count, told.threshold, told.exhaustiveness) == (9, rule.trigger, Exhaustiveness.PARTIAL)
    assert (told.range_start, told.ran_at) == (run.start, run.end)
    assert (told.search_id, told.trace_id, told.replay_link, told.incident_number) == ("s", None, "https://x", 5)
    assert told.errors == ()
    failed = from_rule_run(
        replace(run, outcome=Outcome.ERROR, error=RunError("KS142", "no column 'x'", 1, 1)), "https://x"
    )
    assert failed.errors == ("no column 'x'",)
