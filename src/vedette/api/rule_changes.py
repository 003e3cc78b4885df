"""Changes of the analytics rules of a workspace, each with its entry in the audit trail; and which rules cannot work."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from vedette.core.audit import Audit
from vedette.core.database import State
from vedette.core.errors import InvalidInput
from vedette.core.roles import Principal
from vedette.detect.fitting import Checked, Checker, column_problems, faults, missing
from vedette.detect.library import ImportReport, RuleLibrary, StoredRule
from vedette.detect.reading.files import ReadRule, read_rule_text
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.kql.diagnostics import Diagnostic, position
from vedette.store.logstore import LogStore


class RuleChanges:
    """Adds, edits, switches and deletes rules; a change and its audit entry are kept together, or neither."""

    def __init__(
        self,
        rules: RuleLibrary,
        logs: LogStore,
        state: State,
        audit: Audit,
        tell_deleted: Callable[[StoredRule, Principal], None],
    ) -> None:
        """`tell_deleted` writes what the log tables say of a rule that is deleted; where that fails, it is not."""
        self._tell_deleted = tell_deleted
        self._rules = rules
        self._logs = logs
        self._state = state
        self._audit = audit

    def import_(
        self, read: Iterable[ReadRule], problems: Iterable[RuleProblem], by: Principal, *, replacing: bool = False
    ) -> dict[str, Any]:
        """Imports rules: the report, and which of the rules cannot work now, as `broken` tells it.

        The problems also say which columns the rules read that their results do not have. With `replacing`, a rule whose id is
        there becomes the next revision of that rule.
        """
        read, checks = list(read), _Checks(self._logs)
        with self._state.session():
            report = self._rules.import_(read, problems, replace_existing=replacing, by=by.name)
            self._record_import(report, by)
        for one in read:
            report.problems += self._column_problems(one, checks)
        concerned = {*report.added, *report.updated, *report.unchanged}
        return {**report.to_dict(), "broken": self._broken(concerned, checks)}

    def _record_import(self, report: ImportReport, by: Principal) -> None:
        for action, ids in (("rules/add", report.added), ("rules/update", report.updated)):
            if ids:
                target = ids[0] if len(ids) == 1 else f"{len(ids)} rules"
                self._audit.record(by, action, target, self._rules.workspace_id, {"rules": ids})

    def edit(self, id_or_name: str, text: str, by: Principal) -> tuple[StoredRule, list[RuleProblem]]:
        """Makes a rule what a text of one rule says, as its next revision; its id and whether it is on stay. What an import of the
        text would warn of comes with it.

        Raises `InvalidInput` where the text is not one rule, or another rule's.
        """
        held = self._rules.get(id_or_name)
        read, problems = one_rule(text, held)
        with self._state.session():
            changed = self._rules.replace(held.rule.id, read, by=by.name)
            if changed.revision != held.revision:
                detail = {"rules": [held.rule.id], "revision": changed.revision}
                self._audit.record(by, "rules/update", held.rule.id, self._rules.workspace_id, detail)
        return changed, [*problems, *self._column_problems(read, self._logs)]

    @staticmethod
    def _column_problems(read: ReadRule, checker: Checker) -> list[RuleProblem]:
        if not read.rule.has_query or read.rule.not_runnable is not None:
            return []
        return column_problems(read, checker.check(read.rule.query), checker)

    def set_enabled(self, id_or_name: str, enabled: bool, by: Principal) -> StoredRule:
        """Switches a rule on or off."""
        with self._state.session():
            held = self._rules.get(id_or_name)
            if held.rule.enabled == enabled:
                return held
            changed = self._rules.set_enabled(held.rule.id, enabled, by=by.name)
            action = "rules/enable" if enabled else "rules/disable"
            self._audit.record(by, action, held.rule.id, self._rules.workspace_id, {"name": held.rule.name})
        return changed

    def delete(self, id_or_name: str, by: Principal) -> StoredRule:
        """Removes a rule with its revisions; its alerts, its incidents and the ledger of its windows stay."""
        with self._state.session():
            held = self._rules.delete(id_or_name)
            detail = {"name": held.rule.name, "revision": held.revision}
            self._audit.record(by, "rules/delete", held.rule.id, self._rules.workspace_id, detail)
            self._tell_deleted(held, by)
        return held

    def broken(self, among: Container[str] | None = None) -> list[dict[str, Any]]:
        """The rules (of some ids, or all) whose query does not fit the workspace now: why, where, and what is missing (tables,
        columns, functions, watchlists)."""
        return self._broken(among, self._logs)

    def _broken(self, among: Container[str] | None, checker: Checker) -> list[dict[str, Any]]:
        broken = []
        for stored in self._rules.list():
            rule = stored.rule
            if not rule.has_query or (among is not None and rule.id not in among):
                continue
            if rule.not_runnable is not None:
                broken.append(_without_query(stored))
                continue
            found = faults(checker.check(rule.query))
            if found:
                broken.append(_broken(stored, found))
        return broken


class _Checks:
    """Checks of queries, each done once."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._done: dict[str, Checked] = {}

    def check(self, text: str) -> Checked:
        """What parsing and binding say."""
        if text not in self._done:
            self._done[text] = self._checker.check(text)
        return self._done[text]


def one_rule(text: str, held: StoredRule | None) -> tuple[ReadRule, list[RuleProblem]]:
    """The rule of a text, one that is to take the place of a rule or a new one, with the warnings of its reading.

    Raises `InvalidInput` where the text is not one rule, or another rule's.
    """
    read, problems = read_rule_text(text, str((held.source.get("file") if held else None) or "rule.yaml"))
    for problem in problems:
        if problem.severity is ProblemSeverity.ERROR:
            where = "" if problem.line is None else f"Line {problem.line}: "
            raise InvalidInput(f"{where}{problem.message}", target="content", hint=problem.hint)
    if len(read) != 1:
        raise InvalidInput(
            f"The text has {len(read)} rules, and it is to be one.", target="content",
            hint="Import several rules with `vedette rules import`, or with Import rules in the console.",
        )  # fmt: skip
    (one,) = read
    if held is None:
        return one, problems
    given = one.source.original.get("id") if isinstance(one.source.original, Mapping) else None
    mine = {held.rule.id.lower(), (held.given_id or held.rule.id).lower()}
    if isinstance(given, str) and one.source.format == "yaml" and given.lower() not in mine:
        raise InvalidInput(
            f"The text is of the rule {given}, and this one is {held.rule.id}.", target="content",
            hint="Keep the id, or import the text as a rule of its own.",
        )  # fmt: skip
    return one, problems


def _broken(stored: StoredRule, errors: Sequence[Diagnostic]) -> dict[str, Any]:
    rule, first = stored.rule, errors[0]
    line, column = position(rule.query, first.start)
    return {
        "id": rule.id, "name": rule.name, "enabled": rule.enabled, "file": stored.source.get("file"), "code": first.code,
        "message": first.message, "line": line, "column": column,
        "missing": missing(rule.query, errors),
    }  # fmt: skip


def _without_query(stored: StoredRule) -> dict[str, Any]:
    """A Sigma rule that is no query here, or a row that cannot be read: the place is its own, in its file."""
    rule, sigma = stored.rule, stored.rule.extra.get("sigma")
    return {
        "id": rule.id, "name": rule.name, "enabled": rule.enabled, "file": stored.source.get("file"), "code": "VDT0437",
        "message": f"This rule cannot be run: {rule.not_runnable}.", "line": stored.source.get("line") or 1, "column": 1,
        "missing": list(sigma.get("missing", [])) if isinstance(sigma, Mapping) else [],
    }  # fmt: skip
