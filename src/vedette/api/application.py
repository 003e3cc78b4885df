"""The application: one opened data directory, with its state, its stores and the services on them.

Both the server and a command that works without one are built on it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from vedette.api.services import WorkspaceServices
from vedette.clients.azure_cloud import AzureCloud, clouds_with
from vedette.collect.connectors.codeless.definitions import Definitions
from vedette.collect.connectors.registry import default_connectors
from vedette.collect.connectors.runner import ConnectorRunner
from vedette.collect.connectors.service import Connectors
from vedette.collect.http.gate import Gate
from vedette.core.accounts import Account, local_operator
from vedette.core.audit import Audit
from vedette.core.clock import Clock, SystemClock
from vedette.core.errors import Conflict, NotFound
from vedette.core.identity import Identity
from vedette.core.outbound import Outbound
from vedette.core.roles import ROLE_PERMISSIONS, Permission, Principal
from vedette.core.secret_backends.registry import backends_of
from vedette.core.secrets import Secrets
from vedette.core.settings import Settings
from vedette.core.workspaces import Workspace, Workspaces
from vedette.deliver.opening import Openings
from vedette.deliver.registry import default_registry
from vedette.deliver.service import Destinations
from vedette.deliver.worker import Deliverer, Finished
from vedette.engine import places
from vedette.incidents.vocabulary import ActivityKind
from vedette.store import backup
from vedette.store.backup import BackupReport
from vedette.store.content import WorkspaceContent
from vedette.store.external import ExternalReader
from vedette.store.host import Reach, WorkspaceHost
from vedette.store.stores import Stores

if TYPE_CHECKING:
    import httpx


class Application:
    """A data directory that this process holds. Close it, or use it as a context manager."""

    def __init__(
        self, settings: Settings, clock: Clock | None = None, *, purpose: str = "vedette",
        on_wait: Callable[[str], None] | None = None, clouds: Mapping[str, AzureCloud] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        """Locks the directory (waiting as the settings say), and brings its state up to date.

        `clouds` are the Azure clouds that destinations may be in; None: those of the settings.
        `transport` is how `externaldata` reaches the network; None: the machine's own way.
        """
        self.settings = settings
        places.supply(places.CITY, settings.geoip_city)
        places.supply(places.ASN, settings.geoip_asn)
        self.clock = clock or SystemClock()
        self.directory = settings.data_directory()
        self._held = ExitStack()
        self._guard = threading.Lock()
        self._services: dict[str, WorkspaceServices] = {}
        self.listener_bytes: Callable[[], int] = lambda: 0
        """Bytes of messages that listeners hold in memory."""
        self.workspaces_changed: Callable[[], None] = lambda: None
        """Told when a workspace was made, archived or restored: a server follows with its work."""
        self.workspace_ended: Callable[[str], None] = lambda workspace_id: None
        """Returns when no work of the workspace with that id goes on any more."""
        with ExitStack() as opening:
            opening.enter_context(self.directory.lock(purpose, wait=settings.lock_wait, on_wait=on_wait))
            self.state = settings.open_state()
            opening.callback(self.state.dispose)
            self.state.upgrade()
            self.audit = Audit(self.state, self.clock)
            self.identity = Identity(self.state, self.clock, limits=settings.session_limits())
            key = settings.secrets_key.get_secret_value() if settings.secrets_key else None
            key_file = settings.secrets_key_file or self.directory.secrets_key_file
            self.secrets = Secrets(self.state, key_file, self.clock, key=key, backends=backends_of(settings))
            self.workspaces = Workspaces(self.state, self.clock)
            self.clouds = clouds_with(settings.azure_clouds) if clouds is None else clouds
            registry = default_registry(self.clock, self.clouds)
            outbound = Outbound.of(settings.outbound_allow)
            self.destinations = Destinations(self.state, self.secrets, registry, self.clock, outbound=outbound)
            self.openings = Openings(self.state, self.secrets, registry, outbound)
            opening.callback(self.openings.close)
            self.deliverer = Deliverer(
                self.state, self.openings, self.clock, random.Random(),  # noqa: S311 - jitter
                on_finished=self._delivered,
            )  # fmt: skip
            self.stores = Stores(
                self.directory, self.clock, name_of=lambda identity: self.workspaces.get(identity).name,
                content_of=lambda identity: WorkspaceContent.of(self.state, identity, self.clock),
                external=ExternalReader(settings.externaldata_hosts.split(","), transport=transport),
                memory=None if settings.log_memory is None else f"{settings.log_memory}MiB",
                partial_bytes=settings.partial_bytes,
            )  # fmt: skip
            opening.callback(self.stores.close)
            connectors = default_connectors(self.clock, self.clouds, outbound)
            self.connector_definitions = Definitions(self.state, connectors, self.clock, outbound)
            self.collector = ConnectorRunner(
                self.state,
                self.secrets,
                connectors,
                self.clock,
                self.stores.intake,
                random.Random(),  # noqa: S311 - jitter
                lambda identity: self.services(self.workspaces.get(identity)).indicators,
            )
            opening.callback(self.collector.close)
            self.connectors = Connectors(self.state, self.secrets, connectors, self.clock, self.collector.wake)
            self.gate = Gate(
                self.identity, self.workspaces, self.secrets, self.stores, self.clock,
                lambda workspace: self.services(workspace).indicators,
            )  # fmt: skip
            self._held = opening.pop_all()

    def workspace(self, name_or_id: str) -> Workspace:
        """A workspace in use, by name or id; `default` is made when it is first asked for. `Conflict` for an archived one."""
        return self.in_use(self.workspaces.default() if name_or_id == "default" else self.workspaces.get(name_or_id))

    @staticmethod
    def in_use(workspace: Workspace) -> Workspace:
        """The workspace; `Conflict` if it is archived."""
        if workspace.archived_at is None:
            return workspace
        raise Conflict(
            f"The workspace '{workspace.name}' is archived.",
            code="VDT0441",
            target=workspace.name,
            hint=f"`vedette workspaces restore {workspace.name}` takes it into use again.",
        )

    def services(self, workspace: Workspace) -> WorkspaceServices:
        """The services of a workspace; the same object however often it is asked for."""
        with self._guard:
            held = self._services.get(workspace.id)
            if held is None:
                held = self._services[workspace.id] = WorkspaceServices(self, workspace)
            return held

    def reach(self, caller: Principal) -> Reach:
        """The workspaces that a caller may query, for `workspace('name')` in a query."""

        def find(name: str) -> tuple[WorkspaceHost, object] | None:
            try:
                workspace = self.workspaces.get(name)
            except NotFound:
                return None
            if workspace.archived_at is not None or not caller.may_see(workspace.id):
                return None
            caller.require(workspace.id, Permission.QUERY)
            logs = self.services(workspace).logs
            return logs.host, logs

        return find

    def backup(self, target: Path, by: Principal, stopped: Callable[[], bool] = lambda: False) -> BackupReport:
        """Makes a backup of the data directory in a folder; the state is in it unless it lies in a database of its own. Raises
        `Unavailable` if it is `stopped`; then nothing of it is left."""
        ids = [workspace.id for workspace in self.workspaces.list(archived=True)]
        with_state = self.settings.state_url is None
        self.audit.record(by, "backup/create", str(target), None, {"state": with_state})
        return backup.create(
            self.directory, self.stores, ids, target, self.clock, with_state=with_state, stopped=stopped
        )

    @property
    def session_lifetime(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(seconds=self.settings.session_lifetime)

    def sign_in_link(self, url: str) -> str:
        """A link that signs the owner of the data directory in, once."""
        token = self.identity.create_sign_in(by=local_operator(self.directory.path))
        return f"{url}/signin?token={token.reveal()}"

    def assignable(self, workspace_id: str) -> list[Account]:
        """Who incidents of a workspace may be assigned to: everybody who may change them."""
        return [
            account
            for account in self._accounts()
            if account.kind != "client"
            and not account.disabled
            and any(
                grant.workspace_id in (None, workspace_id)
                and Permission.INCIDENTS_WRITE in ROLE_PERMISSIONS[grant.role]
                for grant in account.grants
            )
        ]

    @property
    def public_url(self) -> str:
        """The address under which people reach the console."""
        settings = self.settings
        scheme = "https" if settings.tls or settings.tls_certificate is not None else "http"
        return settings.public_url or f"{scheme}://{settings.host}:{settings.port}"

    def _delivered(self, finished: Finished) -> None:
        """Put the end of a delivery on its incident's timeline."""
        if finished.incident_number is not None:
            services = self.services(self.workspaces.get(finished.workspace_id))
            services.incidents.note(
                finished.incident_number, ActivityKind.DELIVERY, finished.title, detail=finished.detail,
                about=finished.delivery_id,
            )  # fmt: skip

    def person_name(self, person_id: str) -> str | None:
        """The name of somebody that an incident is assigned to."""
        return next(
            (account.display_name or account.name for account in self._accounts() if account.id == person_id), None
        )

    def person(self, names: Sequence[str]) -> dict[str, str] | None:
        """Somebody with an account here, by the first of several names that is an account's id or name (in any case)."""
        accounts = self._accounts()
        for name in names:
            for account in accounts:
                if name.casefold() in (account.id.casefold(), account.name.casefold()):
                    return {"id": account.id, "name": account.display_name or account.name}
        return None

    def _accounts(self) -> list[Account]:
        return self.identity.accounts(by=local_operator(self.directory.path))

    def background(self) -> dict[str, Callable[[threading.Event], None]]:
        """The work for all workspaces that goes on while a server runs: a name, and what runs until the event is set."""
        if self.settings.state_url is None:
            self.deliverer.recover()  # who holds the data directory is alone with its state
        return {"deliveries": self.deliverer.run, "connectors": self.collector.run}

    def delete_workspace(self, workspace_id: str, by: Principal) -> None:
        """Deletes an archived workspace for good, with its log files. `Conflict` for one that is in use."""
        workspace = self.workspaces.get(workspace_id)
        if workspace.archived_at is not None:
            self.workspace_ended(workspace.id)
        self.workspaces.delete(workspace.id, by=by)
        with self._guard:
            self._services.pop(workspace.id, None)
        self.stores.remove(workspace.id)

    def close(self) -> None:
        """Closes the stores and the state, and lets go of the directory."""
        self._held.close()

    def __enter__(self) -> Application:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
