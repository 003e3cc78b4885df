"""Runs a fake tenant over TLS: inside a test, or as a process of its own."""

from __future__ import annotations

import contextlib
import random
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from vedette.core.clock import Clock, SystemClock
from vedette.core.errors import Unavailable
from vedette.core.ids import IdSource, new_id
from vedette.core.tls import LOOPBACK, LocalAuthority
from vedette.range.app import create_app
from vedette.range.control import Control
from vedette.range.seed import CONTOSO, plant
from vedette.range.state import FakeTenant, LogEngine
from vedette.range.storage import SqliteStorage
from vedette.range.tokens import TokenIssuer

_START_TIMEOUT: Final = 60.0


class RangeServer:
    """A fake tenant on one TLS port. Use it as a context manager, or `async with`.

    `url` is the authority and the Resource Manager endpoint at once; `ca_path` is the file that a client has to trust;
    `tenant` is the state, which may be read and changed while the server runs.
    """

    def __init__(
        self,
        *,
        seed: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        ids: IdSource = new_id,
        rng: random.Random | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        directory: Path | None = None,
        control_token: str | None = None,
        ca_path: Path | None = None,
        storage: SqliteStorage | None = None,
        log_engine: LogEngine | None = None,
    ) -> None:
        """`seed` None plants `CONTOSO`. `directory` is where the CA's certificate goes (None: a temporary one), `ca_path`
        its file by name. With a `storage` that holds a tenant already the seed is not planted again. `log_engine` answers
        queries over the tables of workspaces.
        """
        self._host, self._port = host, port
        self._directory = directory
        self._ca_path = ca_path
        self._control_token = control_token
        self._storage = storage
        self._log_engine = log_engine
        self._issuer = TokenIssuer()
        self.tenant: FakeTenant
        self._application: ASGIApp
        self.reset(seed=seed, clock=clock, ids=ids, rng=rng)
        self._cleanup = contextlib.ExitStack()
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self.url = ""
        self.ca_path = Path()

    def reset(
        self,
        *,
        seed: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        ids: IdSource = new_id,
        rng: random.Random | None = None,
    ) -> FakeTenant:
        """Forget everything and plant a seed. The address, the CA and the key that signs tokens stay."""
        tenant = FakeTenant(clock or SystemClock(), ids=ids, rng=rng)
        tenant.log_engine = self._log_engine
        if self._log_engine is not None:
            self._log_engine.forget()
        if self._storage is None or not self._storage.load(tenant):
            plant(tenant, CONTOSO if seed is None else seed)
        tenant.storage = self._storage
        tenant.save()
        page = None
        if self._control_token is not None:
            page = Control(self._control_token, lambda document: self.start_over(document))
        self.tenant, self._application = tenant, create_app(tenant, self._issuer, page)
        return tenant

    def start_over(self, seed: Mapping[str, Any] | None) -> None:
        """Forget everything, also what is in the file, and plant a seed; the clock stays."""
        if self._storage is not None:
            self._storage.clear()
        clock = self.tenant.clock.underlying
        self.reset(seed=seed, clock=clock)

    def __enter__(self) -> RangeServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> RangeServer:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, in a thread. Raises `Unavailable` where the port is taken."""
        server, listener = self._prepare()
        self._server = server
        self._thread = threading.Thread(target=server.run, args=([listener],), name="range", daemon=True)
        self._thread.start()
        pause = threading.Event()
        for _ in range(int(_START_TIMEOUT / 0.01)):
            if server.started:
                return
            if not self._thread.is_alive():
                break
            pause.wait(0.01)
        self.stop()
        raise Unavailable("The fake tenant did not start.")

    def stop(self) -> None:
        """Close the port, drop the tables of logs, and remove temporary files."""
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = True
        if self._thread is not None:
            self._thread.join(_START_TIMEOUT)
        self._server = self._thread = None
        self._leave()

    def run(self, ready: Callable[[RangeServer], None] | None = None) -> None:
        """Listen until interrupted, in this thread: for a process of its own.

        `ready` is called when `url` and `ca_path` are known and connections are taken.
        """
        server, listener = self._prepare()
        listener.listen()
        try:
            if ready is not None:
                ready(self)
            server.run([listener])
        except KeyboardInterrupt:
            pass  # uvicorn has closed everything and passes on how it was asked to
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._log_engine is not None:
            self._log_engine.forget()
        self._cleanup.close()

    def _prepare(self) -> tuple[uvicorn.Server, socket.socket]:
        if self._ca_path is None:
            directory = self._directory or Path(
                self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="vedette-range-"))
            )
            self.ca_path = directory / "range-ca.pem"
        else:
            self.ca_path = self._ca_path
        # Certificates are checked against the time of this machine, whatever the tenant's clock says.
        authority = LocalAuthority.create(SystemClock(), name="Vedette range")
        try:
            self.ca_path.write_bytes(authority.pem)
        except OSError as error:
            raise Unavailable(f"The CA's certificate cannot be written to {self.ca_path}: {error.strerror}.") from error
        context = authority.server_context((*LOOPBACK, *({self._host} - set(LOOPBACK) - {"0.0.0.0", "::"})))  # noqa: S104
        listener = self._listen()
        self._cleanup.callback(listener.close)
        port = listener.getsockname()[1]
        # An address that stands for all of them is none to connect to.
        reachable = self._host not in ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104
        self.url = f"https://{self._host if reachable else 'localhost'}:{port}"
        config = uvicorn.Config(
            self._dispatch,
            ssl_context_factory=lambda _config, _default: context,
            interface="asgi3",
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        return uvicorn.Server(config), listener

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # Only for a socket that says so does asyncio switch off Nagle's algorithm (40 ms a request, else).
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise Unavailable(
                f"The fake tenant cannot listen on {self._host}:{self._port}: {error.strerror}.",
                hint="Choose another port, or 0 for any that is free.",
            ) from error
        return listener
