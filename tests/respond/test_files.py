"""Automation rules in and out as ARM JSON, and the library that keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.respond.conftest import BOSS, PLAYBOOK, House, condition, group, modify, playbook, rule, task
from vedette.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from vedette.respond.automation.exporting import export
from vedette.respond.automation.reading import read_files, read_texts

SQLITE = pytest.mark.parametrize("state", ["sqlite"], indirect=True)
ID = "8f0c6c1e-1111-4222-8333-444455556666"


def resource(properties: dict[str, Any], rule_id: str = ID) -> dict[str, Any]:
    """A resource as the portal exports it."""
    return {
        "name": f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{rule_id}')]",
        "type": "Microsoft.OperationalInsights/workspaces/providers/automationRules",
        "apiVersion": "2023-11-01", "properties": properties,
    }  # fmt: skip


def template(*resources: dict[str, Any]) -> str:
    """A template."""
    whole = {"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {"workspace": {"type": "String"}}}
    return json.dumps({**whole, "resources": list(resources)}, indent=2)


def take(house: House, *files: tuple[str, str]) -> dict[str, Any]:
    """Import texts."""
    read, problems = read_texts(files)
    return house.rules.import_(read, problems, BOSS).to_dict()


@SQLITE
def test_in_and_out_and_in_again(house: House) -> None:
    given = rule(
        "All of it", order=7, when="Updated", expires="2027-01-01T00:00:00.0000000Z",
        conditions=[
            condition("IncidentTitle", "StartsWith", "[Test]"),
            group("Or", condition("AccountName", "Equals", "a"), group("And", condition("Url", "Contains", "b"))),
        ],
        actions=[modify(severity="Low", owner={"objectId": "8f0e", "assignedTo": "Ann", "email": None}), task("Look", 2)],
    )  # fmt: skip
    report = take(house, ("a.json", template(resource(given)).replace("[Test]", "[[Test]")))
    assert (report["added"], report["problems"]) == ([ID], [])
    out, notes = export([one.rule for one in house.rules.list()])
    assert notes == []
    [written] = out["resources"]
    assert written["name"].endswith(f"/{ID}')]")
    assert written["properties"]["triggeringLogic"]["conditions"][0]["conditionProperties"]["propertyValues"] == [
        "[[Test]"
    ], "a text that begins with a bracket is no expression"
    again = take(house, ("b.json", json.dumps(out)))
    assert (again["unchanged"], again["problems"]) == ([ID], [])
    assert dict(house.rules.get(ID).rule.properties) == given


@SQLITE
def test_the_recorded_resource_loads_without_loss(house: House, shared: Path) -> None:
    text = (shared / "contracts" / "arm_automation_rule.json").read_text(encoding="utf-8")
    report = take(house, ("arm_automation_rule.json", text))
    assert report["added"] == ["auto1"]
    [told] = report["notRunnable"]
    assert "'pb-contain-user' is not run: there are no playbooks" in told["message"]
    recorded = json.loads(text)["properties"]
    kept = dict(house.rules.get("auto1").rule.properties)
    assert kept == {name: recorded[name] for name in kept}
    [out] = export([house.rules.get("auto1").rule])[0]["resources"]
    assert out["properties"] == kept


@SQLITE
@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"value": [{**resource(rule()), "name": ID, "type": "Microsoft.SecurityInsights/AutomationRules"}]}),
        json.dumps([{"id": f"/subscriptions/s/providers/Microsoft.SecurityInsights/automationRules/{ID}", "properties": rule()}]),
        template({"type": "Microsoft.Logic/workflows", "name": "w", "properties": {}}, resource(rule())),
    ],
    ids=["a list of the API", "plain objects", "a template with other resources"],
)  # fmt: skip
def test_forms_that_rules_come_in(house: House, text: str) -> None:
    report = take(house, ("rules.json", text))
    assert (report["added"], report["problems"]) == ([ID], [])


@SQLITE
def test_an_imported_rule_with_a_playbook_does_the_rest_and_says_so(house: House) -> None:
    take(house, ("a.json", template(resource(rule("Contain", actions=[playbook(1), modify(2, labels=["done"])])))))
    incident = house.incident()
    assert incident["labels"] == ["done"]
    (entry,) = [one for one in incident["timeline"] if one["kind"] == "action"]
    assert "The playbook 'pb-contain' is not run: there are no playbooks in Vedette." in entry["detail"]
    stored = house.rules.get("Contain")
    assert (stored.applied, stored.errors) == (1, 1)
    # It may be changed, with its playbook, and gets no other one.
    changed = rule("Contain it", actions=[playbook(1), task("Call", 2)])
    assert house.rules.put(ID, changed, BOSS).rule.name == "Contain it"
    other = json.loads(json.dumps(changed).replace(PLAYBOOK, PLAYBOOK + "-2"))
    with pytest.raises(InvalidInput, match="pb-contain-2"):
        house.rules.put(ID, other, BOSS)


@SQLITE
def test_a_rule_on_alerts_is_kept_and_applied_to_nothing(house: House) -> None:
    report = take(house, ("a.json", template(resource(rule("On alerts", on="Alerts", actions=[playbook()])))))
    assert [one["name"] for one in report["notRunnable"]] == ["On alerts", "On alerts"]
    house.incident()
    assert house.rules.get(ID).applied == 0


WRONG: list[tuple[str, str, int | None]] = [
    ("{", "not valid JSON", 1),
    ("{}", "there is no automation rule in it", 1),
    (template(resource(rule(conditions=[condition("IncidentTitel", "Equals", "x")]))), "no property 'IncidentTitel'", 26),
    (template(resource(rule(actions=[{**modify(labels=["x"]), "actionType": "Shout"}]))), "no kind of action 'Shout'", 27),
    (template({**resource(rule()), "copy": {"name": "x", "count": 2}}), "copy loops", None),
    (template({**resource(rule()), "properties": "x"}), "has no 'properties'", None),
    (
        template(resource(rule(actions=[{"order": 1, "actionType": "RunPlaybook", "actionConfiguration": {"logicAppResourceId": "[parameters('app')]"}}]))),
        "the template does not say the rule", None,
    ),
]  # fmt: skip


@SQLITE
@pytest.mark.parametrize(("text", "message", "line"), WRONG, ids=[message for _, message, _ in WRONG])
def test_what_is_wrong_is_told_with_its_line_and_stops_no_other(
    house: House, text: str, message: str, line: int | None
) -> None:
    good = template(resource(rule("Good"), "good"))
    report = take(house, ("wrong.json", text), ("good.json", good))
    assert report["added"] == ["good"]
    [problem] = report["problems"]
    assert message in problem["message"]
    assert problem["file"] == "wrong.json"
    if line is not None:
        assert problem["line"] == line, text


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.json").write_text(template(resource(rule())), encoding="utf-8")
    (tmp_path / "notes.yaml").write_text("x: 1", encoding="utf-8")
    files, problems = read_files([tmp_path, tmp_path / "missing.json"])
    assert [Path(name).name for name, _ in files] == ["a.json"]
    [problem] = problems
    assert "there is no such file" in problem.message


@SQLITE
def test_two_rules_of_one_id_in_one_import(house: House) -> None:
    report = take(house, ("a.json", template(resource(rule("one")), resource(rule("two")))))
    assert report["added"] == [ID]
    assert "is that of 'one'" in report["problems"][0]["message"]


@SQLITE
def test_the_library(house: House) -> None:
    one = house.add("One", order=None)
    house.clock.advance(1)  # of two rules with one order, the older one is first
    two = house.add("Two", order=None)
    update = house.add("Three", order=None, when="Updated")
    assert [stored.rule.order for stored in (one, two, update)] == [1, 2, 1]
    changed = rule("Two", order=None, when="Created") | {"order": 1}
    house.rules.put(two.rule.id, changed, BOSS)
    assert [stored.rule.name for stored in house.rules.list()] == ["One", "Two", "Three"]
    house.rules.set_enabled("One", False, BOSS)
    assert not house.rules.get(one.rule.id.upper()).rule.enabled
    assert not house.rules.get("One").rule.properties["triggeringLogic"]["isEnabled"]
    with pytest.raises(NotFound, match="no automation rule 'Thre'") as missing:
        house.rules.get("Thre")
    assert "Three" in (missing.value.hint or "")
    house.rules.delete("Three", BOSS)
    with pytest.raises(NotFound):
        house.rules.get("Three")
    with pytest.raises(Conflict, match="already"):
        house.rules.create(rule(), BOSS, one.rule.id)
    with pytest.raises(InvalidInput, match="is no id"):
        house.rules.create(rule(), BOSS, "a/b")
    house.add("One", order=5)
    with pytest.raises(InvalidInput, match="Several"):
        house.rules.get("One")


@SQLITE
def test_a_rule_that_is_deleted_and_made_anew_is_the_new_one(house: House) -> None:
    house.rules.create(rule("old", actions=[modify(labels=["old"])]), BOSS, "same")
    assert house.incident(1)["labels"] == ["old"]
    house.rules.delete("same", BOSS)
    house.rules.create(rule("new", actions=[modify(labels=["new"])]), BOSS, "same")
    assert house.incident(2)["labels"] == ["new"]
    house.rules.put("same", rule("newer", actions=[modify(labels=["newer"])]), BOSS)
    assert house.incident(3)["labels"] == ["newer"]


@SQLITE
def test_a_kept_rule_that_cannot_be_read_stops_nothing(house: House) -> None:
    from vedette.respond.automation.models import AutomationRuleRow

    broken, good = house.add("broken"), house.add("good", order=2)
    with house.state.session() as session:
        row = session.get_one(AutomationRuleRow, (house.rules.workspace_id, broken.rule.id))
        row.properties = {**row.properties, "actions": [{"order": 1, "actionType": "Shout", "actionConfiguration": {}}]}
    assert house.incident()["labels"] == ["seen"]
    assert [house.counts(one) for one in (broken, good)] == [(0, 0), (1, 0)]
    [told] = house.rules.get("broken").rule.not_runnable
    assert "cannot be read: There is no kind of action 'Shout'" in told
    house.rules.put("broken", rule("whole", order=3), BOSS)
    house.incident(2)
    assert house.counts(broken) == (1, 0)


@SQLITE
def test_who_may_not_change_rules(house: House) -> None:
    from tests.incidents.runs import ANN

    stored = house.add()
    for change in (
        lambda: house.rules.create(rule(), ANN),
        lambda: house.rules.put(stored.rule.id, rule(), ANN),
        lambda: house.rules.set_enabled(stored.rule.id, False, ANN),
        lambda: house.rules.delete(stored.rule.id, ANN),
        lambda: house.rules.import_([], [], ANN),
    ):
        with pytest.raises(Forbidden):
            change()
