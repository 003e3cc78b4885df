"""What holds whatever comes in whatever order: the newest rows say what is kept, and nothing is said twice."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intel.conftest import indicator
from tests.plugins.state import NOON
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import NotFound, TooManyRequests
from vedette.core.roles import SYSTEM
from vedette.core.workspaces import Workspaces
from vedette.intel.indicators import Indicators
from vedette.intel.rows import INDICATORS
from vedette.intel.stix import read_moment


class Sink:
    """An intake in memory that knows record ids, and is full now and then."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.seen: set[tuple[str, str]] = set()
        self.full = 0

    def accept(
        self, table: str, rows: Sequence[Mapping[str, object]], *, source: str, record_ids: Sequence[str] | None = None
    ) -> None:
        if self.full:
            self.full -= 1
            raise TooManyRequests("full", retry_after=1)
        assert record_ids is not None
        for row, identity in zip(rows, record_ids, strict=True):
            if (table, identity) not in self.seen:
                self.seen.add((table, identity))
                self.rows.append((table, row))


VERSIONS = st.builds(
    lambda number, minute, addresses, revoked, until: indicator(
        number, modified=f"2026-02-10T00:{minute:02d}:00Z", revoked=revoked,
        pattern="[" + " OR ".join(f"ipv4-addr:value = '192.0.2.{one}'" for one in addresses) + "]",
        valid_until=None if until is None else f"2026-03-{until:02d}T00:00:00Z",
    ),
    st.integers(1, 3), st.integers(0, 5), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.booleans(),
    st.one_of(st.none(), st.integers(1, 28)),
)  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.just("take"), st.lists(VERSIONS, max_size=4)),
    st.tuples(st.just("wait"), st.integers(1, 300)),
    st.tuples(st.sampled_from(["withdraw", "reinstate", "delete", "tag"]), st.integers(1, 3)),
    st.tuples(st.just("full"), st.integers(1, 3)),
)


@pytest.fixture(scope="module")
def empty(upgraded_file: Path) -> Path:
    return upgraded_file


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_the_newest_rows_say_what_is_kept(empty: Path, steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(empty, Path(folder) / "state.db")
        state = State.in_file(Path(folder) / "state.db")
        clock, sink = VirtualClock(NOON), Sink()
        indicators = Indicators(state, Workspaces(state, clock).default().id, clock, lambda: sink)
        newest: dict[str, Any] = {}
        for what, value in steps:
            clock.advance(1)
            if what == "take":
                indicators.take(value, "S", "TAXII")
                for one in value:
                    kept = newest.setdefault(one["id"], one)
                    if read_moment(one["modified"]) > read_moment(kept["modified"]):  # type: ignore[operator]
                        newest[one["id"]] = one
            elif what == "wait":
                clock.advance(timedelta(hours=value))
                indicators.write()
            elif what == "full":
                sink.full = value
            else:
                try:
                    more = ([f"t{value}"],) if what == "tag" else ()
                    getattr(indicators, what)(indicator(value)["id"], SYSTEM, *more)
                except NotFound:
                    pass
        sink.full = 0
        clock.advance(1)
        indicators.write()
        kept_now = {one.stix_id: one for one in indicators.find(active=None)[0]}
        for identity, one in kept_now.items():
            assert one.content == newest[identity]
        last: dict[tuple[str, str], Mapping[str, Any]] = {}
        for table, row in sink.rows:
            if table == INDICATORS:
                last[row["Data"]["id"], row["ObservableValue"]] = row
        said = {key for key, row in last.items() if row["IsActive"]}
        meant = {
            (identity, address)
            for identity, one in kept_now.items()
            if one.active
            for address in str(one.pattern).split("'")[1::2]
        }
        assert said == meant
        told = Counter(
            (row["Id"], row["ObservableValue"], row["TimeGenerated"]) for table, row in sink.rows if table == INDICATORS
        )
        assert not [key for key, count in told.items() if count > 1]
        assert indicators.write_due() == 0
        state.dispose()
