"""Histories of fields under any edits."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.incidents.conftest import Fresh
from tests.incidents.runs import ANN, BOB, rule, run
from vedette.incidents.fields import FieldConflict

edits = st.lists(
    st.tuples(
        st.sampled_from([ANN, BOB]),
        st.sampled_from(["title", "severity", "owner", "labels", "description"]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    max_size=12,
)
VALUES = {
    "title": ["a", "b", "c"],
    "severity": ["High", "Low", "Medium"],
    "owner": [None, "x", "y"],
    "labels": [[], ["l"], ["m"]],
    "description": ["", "d", "e"],
}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(edits)
def test_history_is_whole_and_conflicts_are_exact(fresh: Fresh, edits: list[Any]) -> None:
    """A field's history leads from its first value to its present one, a revision each; only stale contradictions fail."""
    service = fresh()
    service.ingest(run(rule(1), [{"User": "ann@x.com"}]))
    first = service.get(1)
    seen = [first]
    for who, field, value, age in edits:
        basis = seen[max(0, len(seen) - 1 - age)]
        wanted = VALUES[field][value]
        current = seen[-1]
        shown = current[field]["id"] if field == "owner" and current[field] else current[field]
        stale = basis["revisions"][field] < current["revisions"][field] and shown != wanted
        try:
            seen.append(service.update(1, {field: wanted}, who, {field: basis["revisions"][field]}))
            assert not stale
        except FieldConflict:
            assert stale
    last = service.get(1)
    for field in VALUES:
        value, revision = first[field], 1
        for entry in [entry for entry in last["history"] if entry["field"] == field]:
            assert (entry["old"], entry["revision"]) == (value, revision + 1)
            assert entry["new"] != entry["old"]
            value, revision = entry["new"], entry["revision"]
        assert (value, revision) == (last[field], last["revisions"][field])
