"""Queries whose partial rows are kept, over rows that tests make; and the comparison of their answers with and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from vedette.core.clock import VirtualClock
from vedette.engine.result import Result
from vedette.store.logstore import LogStore
from vedette.store.partials.keeping import Worth

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
SPAN: Final = timedelta(days=2)
ALWAYS: Final = Worth(rows=0, probed=0, bins=4, seconds=0.0, runs=0, part=10**9)

QUERIES: Final = (
    "T_CL | summarize count()",
    "T_CL | summarize N = count() by User",
    "T_CL | where Number > 4 and Text has 'foo' | summarize countif(Number > 50), sum(Number), sumif(Number, Flag) by User, Flag",
    "T_CL | summarize avg(Number), avgif(Number, Flag), min(Number), max(Number), minif(Number, Flag), maxif(Number, Number < 9) by Host",
    "T_CL | summarize min(TimeGenerated), max(TimeGenerated), min(User), max(Text), min(Flag) by bin(TimeGenerated, 5h)",
    "T_CL | summarize dcount(User), make_set(Host, 3), N = count() by Flag",
    "T_CL | summarize dcount(User), count_distinct(Number), make_set(Bag), make_set_if(Text, Number > 30, 2), dcountif(Host, Flag), sum(Number)",
    "T_CL | summarize make_set(User) by Text | extend N = array_length(set_User) | where N > 1",
    "T_CL | where TimeGenerated > ago(40h) | distinct User, Host",
    "T_CL | where TimeGenerated between (ago(40h) .. ago(5h)) | summarize R = round(100.0 * countif(Flag) / count(), 2), D = max(TimeGenerated) - min(TimeGenerated) by User",
    "T_CL | where TimeGenerated >= datetime(2026-02-28T13:20:00) and TimeGenerated <= now(-2h) | project User, L = strlen(Text) | summarize sum(L) by User",
    "T_CL | extend Kind = tostring(Bag.kind), TimeGenerated = TimeGenerated + 1h | summarize count(), max(TimeGenerated) by Kind",
    "T_CL | mv-expand Item = Bag.items | summarize count(), dcount(tostring(Item)) by tostring(Item)",
    "T_CL | parse Text with Word:string ' ' Rest:string | summarize make_set(Rest) by Word",
    "T_CL | sort by Number asc | summarize make_set(Number, 5) by User | sort by User asc | take 3",
    "T_CL | summarize N = count() by User, Hour = bin(TimeGenerated, 1h) | where Hour >= ago(30h) and User != 'ann' | summarize max(N), avg(N) by User",
    "let Past = T_CL | where TimeGenerated < ago(10h) | summarize by User, Host; T_CL | where TimeGenerated > ago(10h) | summarize count() by User, Host | join kind=leftanti Past on User, Host",
    "let Sums = T_CL | summarize N = count() by User; Sums | join kind=inner (T_CL | summarize Last = max(TimeGenerated) by User) on User | project User, N, Last",
    "T_CL | where TimeGenerated > ago(5h) | where User in ((T_CL | summarize N = count() by User | where N > 3 | project User)) | count",
    "T_CL | where TimeGenerated > datetime(null) | summarize count(), make_set(User), avg(Number)",
)  # fmt: skip
"""All are put together of partial rows."""

REFUSED: Final = (
    "T_CL | summarize sum(Share) by User",
    "T_CL | summarize avg(Share)",
    "T_CL | summarize count() by Share",
    "T_CL | summarize max(Share), dcount(Share)",
    "T_CL | summarize arg_max(TimeGenerated, *) by User",
    "T_CL | summarize take_any(Host) by User",
    "T_CL | summarize make_list(Number) by User",
    "T_CL | summarize percentile(Number, 50) by User",
    "T_CL | summarize stdev(Number) by User",
    "T_CL | summarize minif(Text, Flag) by User",
    "T_CL | where rand() < 2.0 | summarize count() by User",
    "T_CL | extend Age = now() - TimeGenerated | summarize max(Age) by User",
    "T_CL | where TimeGenerated > ago(5h) or Flag | summarize count() by User",
    "T_CL | take 10000 | summarize count()",
    "T_CL | top 5000 by Number | summarize count()",
    "T_CL | where User in ((T_CL | where Flag | project User)) | summarize count() by User",
    "T_CL | where Number > toscalar(T_CL | summarize percentile(Number, 5)) | summarize count()",
    "T_CL | sort by Number asc | extend P = prev(Number) | summarize max(P)",
    "T_CL | mv-expand Item = Bag.items limit 1 | summarize count()",
    "union T_CL, U_CL | summarize count() by User",
    "T_CL | where Host has_any (dynamic(['h1'])) | count | extend X = 1 | join kind=inner (datatable(X: long)[1]) on X | project-away X1",
)  # fmt: skip
"""Of these something is not provably the same, or nothing there is to be kept; the last has its count, which is."""


def row(at: datetime, number: int, **more: Any) -> dict[str, Any]:
    """A row of the table, all told by its number."""
    return {
        "TimeGenerated": at, "Number": number % 101, "User": ("ann", "bob", "", "cid", "Ann")[number % 5],
        "Host": f"h{number % 17}", "Flag": number % 3 == 0, "Share": number / 7,
        "Text": ("foo bar", "foo", "", "bar foo baz")[number % 4],
        "Bag": {"kind": f"k{number % 4}", "items": [number % 3, f"i{number % 5}"]}, **more,
    }  # fmt: skip


def rows(count: int, first: int = 0, until: datetime = NOW, span: timedelta = SPAN) -> list[dict[str, Any]]:
    """Rows over the time before a moment, in no order."""
    return [row(until - span * ((number * 7919) % count / count), number + first) for number in range(count)]


def opened(folder: Path, worth: Worth = ALWAYS, **more: Any) -> LogStore:
    """The store in a folder, which keeps partial rows however little they save."""
    store = LogStore(folder / "logs.duckdb", VirtualClock(NOW), **more)
    store.partials.worth = worth
    return store


def alike(result: Result) -> tuple[Sequence[object], Sequence[str], str | None]:
    """A result as far as KQL defines it: the order of its rows is not."""
    return result.columns, sorted(map(repr, result.rows)), result.partial


def asked(store: LogStore, text: str, at: datetime, span: timedelta = SPAN, every: timedelta = HOUR) -> Result:
    """The result with partial rows, which must be that of the query as it is."""
    plain = store.query(text, now=at, timespan=(at - span, at))
    kept = store.query(text, now=at, timespan=(at - span, at), every=every)
    assert alike(kept) == alike(plain), text
    return kept


def types(result: Result) -> Mapping[str, str]:
    """The types of the columns."""
    return {column.name: str(column.type) for column in result.columns}
