"""The analytics rules that ship: listed, read, and added to a workspace."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from vedette.api.security import Caller, Services, requires
from vedette.content.templates import RuleTemplate, template, templates
from vedette.core.roles import Permission

router = APIRouter(tags=["analytics"], prefix="/workspaces/{ws}/rule-templates")
MayRead = Depends(requires(Permission.RULES_READ))


def _body(one: RuleTemplate, used: set[str], tables: set[str]) -> dict[str, Any]:
    missing = [name for name in one.tables if name not in tables]
    return {**one.to_dict(), "inUse": one.read.rule.id.casefold() in used, "missingTables": missing}


def _used(services: Services) -> set[str]:
    return {stored.rule.id.casefold() for stored in services.rules.list()}


def _tables(services: Services) -> set[str]:
    return {table.name for table in services.logs.tables()}


@router.get("", dependencies=[MayRead])
def list_(services: Services) -> dict[str, Any]:
    """Every template by name, whether the workspace has the rule, and which of its tables have no rows yet."""
    used, tables = _used(services), _tables(services)
    found = [_body(one, used, tables) for one in templates()]
    return {"value": found, "count": len(found)}


@router.get("/{name}", dependencies=[MayRead])
def get(services: Services, name: str) -> dict[str, Any]:
    """A template by id or name, with its file: the rule in YAML with its tests."""
    one = template(name)
    return {**_body(one, _used(services), _tables(services)), "content": one.text}


@router.post("/{name}", status_code=201)
def add(
    services: Services, name: str, caller: Annotated[Caller, Depends(requires(Permission.RULES_WRITE))]
) -> dict[str, Any]:
    """Adds the rule to the workspace, switched on; one that is there becomes the template's version. The report of an import."""
    one = template(name)
    report = services.rule_changes.import_([one.read], [], caller)
    return {"id": one.read.rule.id, "name": one.read.rule.name, **report}
