"""The server: the REST API, the console, and the work that goes on in the background."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from pydantic.warnings import UnsupportedFieldAttributeWarning

from vedette import __version__
from vedette.api import failures
from vedette.api.application import Application
from vedette.api.certificates import PortCertificate, port_certificate
from vedette.api.compression import Compression
from vedette.api.connections import PatientProtocol
from vedette.api.console import install_console
from vedette.api.description import install_description
from vedette.api.limits import BodyLimit, HostNames, SecurityHeaders
from vedette.api.routes import (
    audit,
    automation_rules,
    connectors,
    deliveries,
    exceptions,
    export,
    folders,
    functions,
    health,
    incident_work,
    incidents,
    indicators,
    ingestion,
    ingestion_health,
    investigation,
    logs,
    paths,
    rule_export,
    rule_past,
    rule_runs,
    rule_templates,
    rules,
    secrets,
    session,
    source_alerts,
    tables,
    transformations,
    users,
    watchlists,
    workspaces,
)
from vedette.api.routes.doors import install_doors
from vedette.api.security import principal
from vedette.api.taxii import install_taxii
from vedette.api.workers import Workers
from vedette.collect.http.beside import BodyReader
from vedette.core.datadir import ServerRecord
from vedette.core.errors import Unavailable, VedetteError

if TYPE_CHECKING:
    from vedette.collect.listeners.server import SyslogListeners

log = logging.getLogger(__name__)
PREFIX = "/api/v1"
_LAST_REQUESTS: Final = 0.5
"""Seconds within which connections that are open when the server ends may bring one more request."""


def create_app(application: Application, reader: BodyReader | None = None) -> FastAPI:
    """The ASGI application over an opened data directory. `reader` reads what senders send; without one, this process does."""
    # FastAPI hands the name of a body on as an alias, which means nothing to models that are built when they are used.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    app = FastAPI(
        title="Vedette",
        version=__version__,
        description="The REST API of Vedette: incidents, KQL, analytics rules and destinations.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.application = application
    failures.install(app)
    for module in (
        health,
        session,
        users,
        audit,
        workspaces,
        incidents,
        incident_work,
        investigation,
        indicators,
        source_alerts,
        logs,
        ingestion,
        folders,
        ingestion_health,
        watchlists,
        functions,
        transformations,
        tables,
        export,
        paths,
        rules,
        rule_runs,
        rule_past,
        rule_export,
        rule_templates,
        exceptions,
        automation_rules,
        deliveries,
        secrets,
        connectors,
    ):
        app.include_router(module.router, prefix=PREFIX)
    install_description(app, PREFIX)
    install_doors(app, application, reader or BodyReader(long=sys.maxsize))
    install_taxii(app, application)
    install_console(app, PREFIX)
    app.add_middleware(Compression)
    app.add_middleware(HostNames, names=_names(application))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(
        BodyLimit,
        uploads=f"{PREFIX}/workspaces/[^/]+/load",
        prefix=f"{PREFIX}/",
        admit=lambda scope: principal(Request(scope)),
    )
    return app


def _names(application: Application) -> list[str]:
    """The names under which browsers may reach the server."""
    settings = application.settings
    public = urlsplit(settings.public_url or "").hostname or ""
    return [public, settings.host, socket.gethostname(), *settings.allowed_hosts.split(",")]


class _Serving(uvicorn.Server):
    """Uvicorn's server, which ends soon: nobody waits for a query, or for another process, as long as these may take."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        """`ending` is called when it is to end, before the requests that it still has are waited for."""
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets go of the port and, when all have their answers or time is over, of the connections."""
        for server in self.servers:
            server.close()  # who comes now is refused, and knows that nothing of his was taken
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        until = time.monotonic() + _LAST_REQUESTS
        await asyncio.to_thread(self._ending)
        # Of a request that comes when its connection is just being closed nobody can tell whether it was taken. Who sends one after the
        # other learns from an answer that it was the last.
        while state.connections and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


class Server:
    """A running server that holds a data directory."""

    def __init__(self, application: Application, host: str, port: int) -> None:
        self.application = application
        self._certificate = _certificate(application, host)
        self._socket = listen(host, port)
        self.host, self.port = host, self._socket.getsockname()[1]
        self._reader = BodyReader()
        config = uvicorn.Config(
            create_app(application, self._reader), log_config=None, log_level="warning", access_log=False, server_header=False,
            date_header=True, timeout_graceful_shutdown=5, lifespan="off", http=PatientProtocol,
        )  # fmt: skip
        config.load()
        if self._certificate is not None:
            config.ssl = self._certificate.context
        self._server = _Serving(config, self._end_what_takes_long)
        self.listeners: SyslogListeners | None = None
        self._fault: VedetteError | None = None

    @property
    def url(self) -> str:
        """Where the console is."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        scheme = "http" if self._certificate is None else "https"
        return f"{scheme}://[{shown}]:{self.port}" if ":" in shown else f"{scheme}://{shown}:{self.port}"

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serves until a signal ends it; background work runs meanwhile. `on_ready` is called once all ports are held.

        Raises VedetteError where a port of the listeners is taken, or the background work cannot begin: a store that does not open.
        """
        with self._listening(), self._published(), self._background(), self._ended_by_signals():
            on_ready()
            try:
                self._server.run(sockets=[self._socket])
            finally:
                self._reader.end()  # where it has not come to its shutdown
        if self._fault is not None:
            raise self._fault

    def _end_what_takes_long(self) -> None:
        self._reader.end()  # what has come is read here
        self.application.stores.end_queries()

    def stop(self) -> None:
        """Ends `run`, from another thread."""
        self._server.should_exit = True

    @contextmanager
    def _ended_by_signals(self) -> Iterator[None]:
        """Has signals end the serving from before it has begun: uvicorn heeds them only from somewhere within."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _published(self) -> Iterator[None]:
        token = self.application.identity.issue_process_token()
        chain = None if self._certificate is None else self._certificate.chain
        record = ServerRecord(self.url, token.reveal(), os.getpid(), self.application.clock.now(), chain)
        self.application.directory.publish_server(record)
        try:
            yield
        finally:
            self.application.directory.withdraw_server()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        settings = self.application.settings
        if settings.syslog_udp is not None or settings.syslog_tcp is not None or settings.syslog_tls is not None:
            from vedette.api.listening import syslog_listeners

            self.listeners = syslog_listeners(self.application)
        if self.listeners is None:
            yield
            return
        self.listeners.start()
        self.application.listener_bytes = lambda: self.listeners.waiting_bytes if self.listeners else 0
        try:
            yield
        finally:
            self.listeners.stop()

    @contextmanager
    def _background(self) -> Iterator[None]:
        stop = threading.Event()
        workers = Workers(self.application)
        beginning = threading.Thread(target=self._begin, args=(stop, workers), name="beginning", daemon=True)
        beginning.start()
        try:
            yield
        finally:
            stop.set()
            beginning.join(timeout=30)
            workers.end()

    def _begin(self, stop: threading.Event, workers: Workers) -> None:
        """Opens the stores and starts the work, once the server answers what needs no store."""
        while not self._server.started and not stop.is_set():
            stop.wait(0.01)
        try:
            workers.start()
        except VedetteError as error:
            self._fault = error
            self.stop()


def _certificate(application: Application, host: str) -> PortCertificate | None:
    """The certificate of the server's port, if it is to have one."""
    settings = application.settings
    if not settings.tls and settings.tls_certificate is None and settings.tls_key is None:
        return None
    return port_certificate(
        application, settings.tls_certificate, settings.tls_key, host=host, what="The server", setting="tls"
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `Unavailable` where there can be none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named, since asyncio turns Nagle's algorithm off only for sockets that say they are TCP: 40 ms an answer
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        raise Unavailable(
            f"The server cannot listen on {host}, port {port}: {reason}.",
            hint="Stop the program that has the port, or choose another one with --port (0 takes any free one)."
            if taken
            else "Name an address of this machine with --host; 0.0.0.0 stands for all of them.",
            target="port" if taken else "host",
        ) from None
    return listener
