"""`vedette automation-rules`, without a server and through one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.conftest import AT
from tests.cli.conftest import Command
from tests.respond.conftest import condition, modify, playbook, rule
from tests.respond.test_files import ID, resource, template


@pytest.mark.req("D-073", "D-074", "D-076")
def test_import_list_export_and_delete(vedette: Command, filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "automation"
    folder.mkdir()
    one = rule(
        "Tag",
        conditions=[condition("IncidentTitle", "Contains", "country")],
        actions=[modify(labels=["kp"]), playbook(2)],
    )
    (folder / "tag.json").write_text(template(resource(one)), encoding="utf-8")
    (folder / "bad.json").write_text(template(resource(rule(when="Someday"), "bad")), encoding="utf-8")
    done = vedette("automation-rules", "import", folder, "--data", filled)
    assert done.code == 1
    assert done.out.strip() == "1 added, 0 updated, 0 unchanged"
    assert "bad.json:" in done.err
    assert "'Someday' is not a value of 'triggersWhen'" in done.err
    assert "note 'Tag': The playbook 'pb-contain' is not run" in done.err

    assert vedette("rules", "run", "--at", AT, "--data", filled).code == 0
    incident = vedette("incidents", "show", 1, "--format", "json", "--data", filled).json()
    assert incident["labels"] == ["kp"]
    [listed] = vedette("automation-rules", "list", "--json", "--data", filled).json()
    assert (listed["id"], listed["timesApplied"], listed["errors"]) == (ID, 1, 1)
    shown = vedette("automation-rules", "list", "--data", filled)
    assert "incidents created" in shown.out
    assert "labels kp" in shown.out

    out = tmp_path / "out.json"
    assert vedette("automation-rules", "export", "--rule", "Tag", "-o", out, "--data", filled).code == 0
    [written] = json.loads(out.read_text(encoding="utf-8"))["resources"]
    assert written["properties"] == one
    again = vedette("automation-rules", "import", out, "--json", "--data", filled)
    assert (again.code, again.json()["unchanged"]) == (0, [ID])
    missing = vedette("automation-rules", "delete", "Tagg", "--data", filled)
    assert missing.code == 1
    assert "Did you mean 'Tag'?" in missing.err
    assert vedette("automation-rules", "delete", "Tag", "--data", filled).out == "deleted Tag\n"
    assert vedette("automation-rules", "list", "--json", "--data", filled).json() == []
