"""Roles: what each allows, where, and what a scope takes away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.errors import Forbidden
from vedette.core.roles import EVERYWHERE, ROLE_PERMISSIONS, SYSTEM, Permission, Principal, Role

A, B = "ws-a", "ws-b"


def principal(*roles: Role, where: str = A, **scope: frozenset[object]) -> Principal:
    return Principal("p", "user", "pat", "Pat", {where: frozenset(roles)}, **scope)  # type: ignore[arg-type]


TABLE = """
query/run           Reader Responder Contributor                  Administrator
incidents/read      Reader Responder Contributor                  Administrator
incidents/write            Responder Contributor                  Administrator
rules/read          Reader Responder Contributor                  Administrator
rules/write                          Contributor                  Administrator
data/write                           Contributor                  Administrator
data/ingest                          Contributor                  Administrator
data/purge                                                        Administrator
content/read        Reader Responder Contributor                  Administrator
content/write                        Contributor                  Administrator
destinations/read   Reader Responder Contributor                  Administrator
destinations/write                   Contributor                  Administrator
connectors/read     Reader Responder Contributor                  Administrator
connectors/write                     Contributor                  Administrator
playbooks/read      Reader Responder Contributor PlaybookOperator Administrator
playbooks/run                                    PlaybookOperator Administrator
playbooks/write                      Contributor                  Administrator
secrets/read                         Contributor                  Administrator
secrets/write                        Contributor                  Administrator
workspaces/write                                                  Administrator
identity/read                                                     Administrator
identity/write                                                    Administrator
audit/read                                                        Administrator
settings/write                                                    Administrator
"""


def test_the_table_of_roles() -> None:
    expected = {line.split()[0]: set(line.split()[1:]) for line in TABLE.strip().splitlines()}
    found = {
        permission.value: {role.value for role, allowed in ROLE_PERMISSIONS.items() if permission in allowed}
        for permission in Permission
    }
    assert found == expected


def test_a_role_holds_in_its_workspace_only() -> None:
    responder = principal(Role.RESPONDER)
    assert responder.allows(A, Permission.INCIDENTS_WRITE)
    assert not responder.allows(B, Permission.INCIDENTS_READ)
    assert not responder.allows(EVERYWHERE, Permission.INCIDENTS_READ)
    assert responder.may_see(A)
    assert not responder.may_see(B)


def test_a_role_everywhere_holds_in_every_workspace() -> None:
    assert principal(Role.READER, where=EVERYWHERE).allows(B, Permission.QUERY)


def test_roles_add_up() -> None:
    both = Principal("p", "user", "pat", "Pat", {A: frozenset({Role.PLAYBOOK_OPERATOR}), EVERYWHERE: {Role.READER}})  # type: ignore[dict-item]
    assert both.allows(A, Permission.PLAYBOOKS_RUN)
    assert both.allows(A, Permission.QUERY)
    assert not both.allows(B, Permission.PLAYBOOKS_RUN)


permissions = st.frozensets(st.sampled_from(list(Permission)))


@given(
    roles=st.dictionaries(st.sampled_from([A, B, EVERYWHERE]), st.frozensets(st.sampled_from(list(Role)))),
    scope=permissions,
    workspaces=st.frozensets(st.sampled_from([A, B])),
    where=st.sampled_from([A, B, EVERYWHERE]),
)
def test_a_scope_only_takes_away(
    roles: dict[str, frozenset[Role]], scope: frozenset[Permission], workspaces: frozenset[str], where: str
) -> None:
    whole = Principal("p", "user", "pat", "Pat", roles)
    limited = Principal("p", "user", "pat", "Pat", roles, scope, workspaces)
    assert limited.permissions(where) <= whole.permissions(where)
    assert limited.permissions(where) <= scope
    assert where in workspaces or not limited.permissions(where)


def test_what_is_missing_is_named_with_who_has_it() -> None:
    with pytest.raises(Forbidden) as caught:
        principal(Role.READER).require(A, Permission.INCIDENTS_WRITE)
    assert str(caught.value) == "'pat' does not have the permission incidents/write in this workspace."
    assert caught.value.permission == "incidents/write"
    assert (
        caught.value.hint == "The roles Responder, Contributor, Administrator have it; an administrator can grant one."
    )
    with pytest.raises(Forbidden) as caught:
        principal(Role.ADMINISTRATOR, scope_permissions=frozenset()).require(A, Permission.AUDIT_READ)
    assert "limited in scope" in str(caught.value.hint)


def test_the_system_may_do_everything() -> None:
    for permission in Permission:
        SYSTEM.require(EVERYWHERE, permission)
        SYSTEM.require(A, permission)
