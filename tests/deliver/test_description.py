"""What a delivered incident says of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deliver.conftest import RUN
from vedette.core.errors import InvalidInput
from vedette.deliver.description import MAX_LENGTH, describe, identity_of, is_of_run
from vedette.deliver.detection import MAX_LINK, DetectionRun
from vedette.detect.alerts.alert import Exhaustiveness, Outcome, RunType
from vedette.detect.rule import Eagerness, Operator, Threshold

WHOLE = replace(RUN, errors=("The time range was cut to 14 days.", "Only a part of the result was read."))

EXPECTED = """\
Detection: Rare sign-in from a new country
Severity: HIGH
Outcome: MATCHED
Match count: 12
Run type: SCHEDULED
Threshold: operator gt, value 3, eagerness EXHAUSTIVE
Exhaustiveness: COMPLETE
Search ID: 5a0f3c9e-2a4e-5b29-8a1e-7f3d0b6f5c11
Trace ID: 4bf92f3577b34da6a3ce929d0e0e4736
Detection ID: 2391ce61-8c8d-41ac-9723-d945b2e90720
Run ID: 9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01

Description:
Finds accounts that sign in from a country for the first time.

Replay: https://vedette.example/w/default/runs/9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01

Errors:
- The time range was cut to 14 days.
- Only a part of the result was read."""


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.req(
    "D-031", "D-041", "D-042", "D-043", "D-044", "D-045", "D-046", "D-047", "D-048", "D-049", "D-050", "D-051", "D-052",
    "D-054",
)  # fmt: skip
def test_the_whole_description() -> None:
    assert describe(WHOLE) == EXPECTED


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"run_type": RunType.MANUAL}, "Run type: MANUAL"),
        ({"outcome": Outcome.NOT_MATCHED}, "Outcome: NOT_MATCHED"),
        ({"match_count": 0}, "Match count: 0"),
        ({"exhaustiveness": Exhaustiveness.PARTIAL, "match_count": 4}, "Match count: at least 4"),
        ({"exhaustiveness": Exhaustiveness.PARTIAL}, "Exhaustiveness: PARTIAL"),
        (
            {"threshold": Threshold(Operator.LE, 0, Eagerness.EAGER)},
            "Threshold: operator le, value 0, eagerness EAGER",
        ),
        ({"name": "two\nlines\tand  spaces"}, "Detection: two lines and spaces"),
    ],
)
def test_lines(change: dict[str, Any], line: str) -> None:
    assert line in describe(replace(RUN, **change)).splitlines()


@pytest.mark.req("D-050", "D-051", "D-054")
def test_what_there_is_not_is_left_out() -> None:
    text = describe(replace(RUN, search_id=None, trace_id=None, description="  ", errors=()))
    assert "Search ID" not in text
    assert "Trace ID" not in text
    assert "Description" not in text
    assert "Errors" not in text
    assert text.endswith(f"\n\nReplay: {RUN.replay_link}")


def test_the_detections_own_words_are_cut_first() -> None:
    text = describe(replace(WHOLE, description="word " * 3000))
    assert units(text) <= MAX_LENGTH
    assert units(text) > MAX_LENGTH - 10
    assert f"\n\nReplay: {RUN.replay_link}\n\n" in text
    assert text.endswith("- The time range was cut to 14 days.\n- Only a part of the result was read.")
    assert "word…\n" in text


def test_errors_keep_half_of_the_room_and_lose_the_last_ones() -> None:
    errors = tuple(f"error {number} {'x' * 90}" for number in range(100))
    text = describe(replace(RUN, description="word " * 3000, errors=errors))
    assert units(text) <= MAX_LENGTH
    assert "- error 0 " in text
    assert "- error 99 " not in text
    assert "word word" in text
    alone = describe(replace(RUN, description="", errors=errors))
    assert alone.count("- error") > text.count("- error") > 15


def test_characters_are_counted_as_sentinel_counts_them() -> None:
    text = describe(replace(RUN, description="\U0001f600" * 4000))
    assert MAX_LENGTH - 10 < units(text) <= MAX_LENGTH
    text.encode("utf-8")  # no half of a pair is left


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "something else",
        "Detection ID: other\nRun ID: 9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01",
        "Detection ID: 2391ce61-8c8d-41ac-9723-d945b2e90720",
        "see Detection ID: 2391ce61-8c8d-41ac-9723-d945b2e90720, Run ID: 9b1c5a80-6a4c-5a4b-8d0e-0f3b7f3a9a01",
    ],
)
def test_an_incident_of_somebody_else(description: str | None) -> None:
    assert not is_of_run(description, RUN)


def test_an_incident_of_this_run() -> None:
    assert is_of_run(describe(RUN), RUN)
    assert is_of_run(describe(RUN).replace("\n", "\r\n"), RUN)
    assert is_of_run(describe(RUN) + "\n\nAn analyst added this.", RUN)
    assert identity_of(describe(RUN)) == (RUN.detection_id, RUN.run_id)


def test_nothing_in_a_rule_can_pretend_to_be_another_run() -> None:
    other = replace(RUN, run_id="other")
    forged = f"Detection ID: {RUN.detection_id}\nRun ID: {RUN.run_id}"
    assert not is_of_run(describe(replace(other, description=forged, name=f"x\n{forged}", errors=(forged,))), RUN)


TEXT = st.text(max_size=6000)
NAME = st.text(min_size=1, max_size=600).filter(lambda text: text.strip() != "")


@given(
    name=NAME,
    run_id=NAME,
    detection_id=NAME,
    description=TEXT,
    errors=st.lists(TEXT, max_size=4),
    link=st.integers(0, MAX_LINK),
    search_id=st.none() | TEXT,
)
def test_any_run_fits_and_keeps_link_and_identity(
    name: str, run_id: str, detection_id: str, description: str, errors: list[str], link: int, search_id: str | None
) -> None:
    run = replace(
        RUN,
        name=name,
        run_id=run_id,
        detection_id=detection_id,
        description=description,
        errors=tuple(errors),
        replay_link="l" * link,
        search_id=search_id,
    )
    text = describe(run)
    assert units(text) <= MAX_LENGTH
    assert f"\nReplay: {'l' * link}" in text
    assert is_of_run(text, run)


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"run_id": ""},
        {"detection_id": ""},
        {"replay_link": "x" * 2001},
        {"ran_at": RUN.ran_at.replace(tzinfo=None)},
    ],
)
def test_a_run_that_cannot_be_described_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        replace(RUN, **change)
    assert caught.value.target in change


def test_a_run_survives_its_json() -> None:
    from vedette.deliver.detection import run_from_json

    assert run_from_json(WHOLE.to_json()) == WHOLE
    with pytest.raises(InvalidInput):
        run_from_json({**WHOLE.to_json(), "version": 2})


def test_a_detection_run_is_a_value() -> None:
    assert DetectionRun.__hash__ is not None
    assert hash(RUN) == hash(replace(RUN))
