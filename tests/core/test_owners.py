"""Owners: a place that has an administrator keeps its last one, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vedette.core.accounts import local_operator
from vedette.core.clock import VirtualClock
from vedette.core.database import State
from vedette.core.errors import Conflict
from vedette.core.identity import Identity
from vedette.core.roles import SYSTEM, Role
from vedette.core.workspaces import Workspaces

pytestmark = pytest.mark.parametrize("state", ["sqlite"], indirect=True)


@pytest.fixture
def identity(state: State, clock: VirtualClock) -> Identity:
    made = Identity(state, clock)
    for name in ("ann", "ben"):
        made.create_account("user", name, by=SYSTEM)
    made.create_account("client", "robot", by=SYSTEM)
    return made


Change = Callable[[Identity, str], object]
CHANGES: dict[str, Change] = {
    "disable": lambda identity, name: identity.set_disabled(name, True, by=local_operator()),
    "delete": lambda identity, name: identity.delete_account(name, by=local_operator()),
    "revoke": lambda identity, name: identity.revoke(name, Role.ADMINISTRATOR, by=local_operator()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_last_administrator_of_the_installation_stays(identity: Identity, change: str) -> None:
    identity.grant("ann", Role.ADMINISTRATOR, by=SYSTEM)
    identity.grant("robot", Role.ADMINISTRATOR, by=SYSTEM)
    with pytest.raises(Conflict, match="last administrator of the installation"):
        CHANGES[change](identity, "ann")
    ann = identity.account("ann", by=SYSTEM)
    assert not ann.disabled
    assert [grant.role for grant in ann.grants] == [Role.ADMINISTRATOR]
    CHANGES[change](identity, "robot")  # a program is no owner
    identity.grant("ben", Role.ADMINISTRATOR, by=SYSTEM)
    CHANGES[change](identity, "ann")


def test_a_disabled_administrator_is_no_owner(identity: Identity) -> None:
    identity.grant("ann", Role.ADMINISTRATOR, by=SYSTEM)
    identity.grant("ben", Role.ADMINISTRATOR, by=SYSTEM)
    identity.set_disabled("ben", True, by=SYSTEM)
    with pytest.raises(Conflict):
        identity.set_disabled("ann", True, by=SYSTEM)
    identity.delete_account("ben", by=SYSTEM)


def test_the_last_administrator_of_a_workspace_stays(identity: Identity, state: State) -> None:
    workspaces = Workspaces(state)
    soc = workspaces.create("soc")
    identity.grant("ann", Role.ADMINISTRATOR, soc.id, by=SYSTEM)
    identity.grant("ann", Role.READER, soc.id, by=SYSTEM)
    identity.revoke("ann", Role.READER, soc.id, by=SYSTEM)
    with pytest.raises(Conflict, match="of the workspace 'soc'"):
        identity.revoke("ann", Role.ADMINISTRATOR, soc.id, by=SYSTEM)
    identity.grant("ben", Role.ADMINISTRATOR, by=SYSTEM)  # who owns everything owns this
    identity.revoke("ann", Role.ADMINISTRATOR, soc.id, by=SYSTEM)
    identity.grant("ann", Role.ADMINISTRATOR, soc.id, by=SYSTEM)
    workspaces.archive("soc")
    identity.delete_account("ann", by=SYSTEM)  # what is out of use needs nobody
