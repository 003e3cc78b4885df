"""Workspaces in which the real rules of the shared material run: their watchlists, their feeds, and real log rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from vedette.core.clock import VirtualClock
from vedette.core.errors import VedetteError
from vedette.engine.query import Limits, QueryFailed
from vedette.kql.binder.workspaces import WATCHLIST_FIELDS
from vedette.kql.diagnostics import KqlError, position
from vedette.kql.host import Items, SavedFunction
from vedette.kql.types import Type
from vedette.store import asim
from vedette.store.compiling import compiled
from vedette.store.content import WorkspaceContent
from vedette.store.logstore import LogStore
from vedette.store.report import LoadOptions

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMESPAN: Final = (NOW - timedelta(days=14), NOW)
SECONDS: Final = 60.0
"""That a rule may take. Log Analytics gives it ten minutes."""

WATCHLISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "VIPUsers": ("User Principal Name",),
    "knownDCAccounts": ("ComputerAccount",),
    "SuspiciousUsers": ("UserPrincipalName",),
    "TorExitNodes": ("TorExitNodes",),
    "socManagedIdentities": ("ServicePrincipalId",),
    "breakGlassAccounts": ("UserPrincipalName", "UserId"),
    "confirmedLeavers": ("UserPrincipalName",),
    "environmentIPs": ("IPAddress",),
    "HighRiskApps": ("AppObjectId",),
    "CopilotEntitledUsers": ("UserPrincipalName",),
    "regionalMap": ("iso2", "name"),
    "WorkloadIdentityInfo": (
        "AppDisplayName",
        "AppId",
        "AppObjectId",
        "AssignedAppRoles",
        "AssignedRoles",
        "IsFirstPartyApp",
        "ServicePrincipalObjectId",
        "ServicePrincipalType",
        "SignInAudience",
        "UserAssignmentRequired",
    ),
}
"""The watchlists of whose items the rules name columns."""


class Content(WorkspaceContent):
    """Every watchlist of `WATCHLISTS`, with one item."""

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        columns = WATCHLISTS.get(alias)
        if columns is None:
            return None
        fields = (*WATCHLIST_FIELDS, *((column, Type.STRING) for column in columns))
        empty: dict[Type, object] = {Type.STRING: "nobody"}
        return Items(fields, [tuple(empty.get(kind) for _, kind in fields)])

    def watchlist_aliases(self) -> Sequence[str]:
        return sorted(WATCHLISTS)


class WithParsers(Content):
    """The same with every function of the shared material, as a workspace has it where all solutions are installed.

    Of some parsers the material holds the text; of others only the columns that they give.
    """

    def __init__(self, shared: Path) -> None:
        super().__init__()
        self._definitions: dict[str, tuple[str, str]] = {}
        kinds, built_in = _corpus(shared, "schema_kinds"), set(asim.names())
        for name, columns in _corpus(shared, "schemas").items():
            if kinds[name].startswith("parser_function_output") and name not in built_in:
                self._definitions[name] = ("", _of_columns(columns))
        for function in _corpus(shared, "functions"):
            if function.get("body"):
                self._definitions[function["name"]] = (function["params"], function["body"])
        self._compiled: dict[str, SavedFunction | None] = {}

    def function(self, name: str) -> SavedFunction | None:
        if name not in self._compiled and name in self._definitions:
            try:
                self._compiled[name] = compiled(name, *self._definitions[name])
            except VedetteError:  # a file of several functions: no workspace has it under this name
                self._compiled[name] = None
        return self._compiled.get(name) or super().function(name)

    def function_names(self) -> Iterable[str]:
        return [*self._definitions, *super().function_names()]


def _corpus(shared: Path, material: str) -> Any:
    return json.loads(gzip.decompress((shared / "corpus" / f"{material}.json.gz").read_bytes()))


def _of_columns(columns: Mapping[str, str]) -> str:
    """The body of a function without rows that gives these columns."""
    declared = ", ".join(f"['{name}']: {type_}" for name, type_ in columns.items())
    return f"datatable({declared})[]"


class SilentFeeds:
    """Every other host answers, and has no rows."""

    def rows(
        self, uris: Sequence[str], properties: Mapping[str, object], columns: Sequence[tuple[str, Type]]
    ) -> Sequence[tuple[str | None, ...]]:
        return ()


def workspace(path: Path | None = None, content: Content | None = None) -> LogStore:
    """A workspace without rows."""
    return LogStore(path, VirtualClock(NOW), content=content or Content(), external=SilentFeeds())


def fill(
    store: LogStore, shared: Path, folder: Path, rows: int | None, wanted: Callable[[str], bool] = lambda table: True
) -> int:
    """Loads the first rows of each shared file (None: all) of the tables that are wanted, each file moved so that it ends now; the
    number of rows loaded."""
    loaded = 0
    for path in sorted((shared / "data" / "tables").rglob("*.gz")):
        if not wanted(path.parent.name):
            continue
        part = path
        if rows is not None:
            part = folder / path.parent.name / path.name.removesuffix(".gz")
            part.parent.mkdir(parents=True, exist_ok=True)
            with gzip.open(path, "rb") as lines:
                part.write_bytes(b"".join(islice(lines, rows)))
        report = store.load([part], LoadOptions(shift_to=NOW))
        assert report.failed == []
        loaded += report.rows
    return loaded


def rules(shared: Path, material: str = "core_rules", kind: str = "analytic_rule") -> Iterator[dict[str, Any]]:
    """The rules of one of the files."""
    with gzip.open(shared / "corpus" / f"{material}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["kind"] == kind:
                yield row


def outcome(store: LogStore, query: str, seconds: float = SECONDS) -> str:
    """How a query ends: "ran", or what it says instead, with the place where there is one.

    Anything that is no error for people (an exception of the program, or a text of the engine) leaves as it came.
    """
    try:
        result = store.query(query, now=NOW, timespan=TIMESPAN, limits=Limits(seconds=seconds))
    except KqlError as error:
        first = error.diagnostics[0]
        assert 0 <= first.start <= len(query)
        line, column = position(error.text, first.start)
        return f"{first.code} at {line}:{column}: {first.message}"
    except (QueryFailed, VedetteError) as error:
        return f"{error.code}: {error}"
    assert all(len(row) == len(result.columns) for row in result.rows)
    return "ran"


def unexplained(found: Mapping[str, str], reviewed: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What did not run and is not reviewed as doing so, and what is reviewed and runs by now."""
    wrong = {}
    for identity, what in found.items():
        known = reviewed.get(identity)
        if what != "ran" if known is None else known[0] not in what:
            wrong[identity] = what
    return wrong
