"""The console in a real Chromium against a real server.

Every page is watched: a message of the browser's console, a failed request, a request to another host or a violation of
the content security policy fails the test that saw it, unless the test has said that it provokes it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote_plus

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.api.conftest import Running, serving
from tests.browser.campaign import WS, raise_incidents
from vedette.api.console import assets
from vedette.clients.azure_cloud import local_cloud
from vedette.core.accounts import local_operator
from vedette.core.roles import Role
from vedette.range.server import RangeServer

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTH, HEIGHT = 1280, 800
PATIENCE = 45_000
"""Milliseconds that the browser waits for what a test expects."""

T = TypeVar("T")
_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""


def eventually(read: Callable[[], T], wanted: Callable[[T], bool]) -> T:
    """What is read as soon as it is what is wanted; what it was last where that takes longer than a page is waited for."""
    until = time.monotonic() + PATIENCE / 1000
    while not wanted(found := read()) and time.monotonic() < until:
        time.sleep(0.05)
    assert wanted(found), found
    return found


@dataclass
class Faults:
    """What pages have done wrong."""

    base: str
    seen: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """A fault that the test provokes, as a pattern that is found in it."""
        self.expected.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        """Watches every page of a context."""
        context.add_init_script(_POLICY)
        context.on("weberror", lambda error: self.seen.append(f"error in the page: {error.error}"))
        context.on("console", self._on_console)
        context.on("request", self._on_request)
        context.on("requestfailed", self._on_failure)
        context.on("response", self._on_response)

    def unexpected(self) -> list[str]:
        """The faults that no test has asked for."""
        return [one for one in self.seen if not any(re.search(pattern, one) for pattern in self.expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        # The browser also says in its console that an answer was 4xx; `_on_response` has that with its address.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.seen.append(f"request to elsewhere: {request.url}")

    def _on_failure(self, request: Request) -> None:
        # A page that is left takes its reads back; checks and queries are reads too. Of an answer that was read part by part to
        # its end (a backtest), Chromium says the same.
        read = request.method == "GET" or request.url.endswith(("/check", "/query", "/backtest"))
        if request.failure != "net::ERR_ABORTED" or not read:
            self.seen.append(f"request failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"answer {response.status}: {response.request.method} {response.url}")


@dataclass
class Site:
    """A server with the campaign, and the browser that looks at it."""

    running: Running
    browser: Browser
    numbers: dict[str, int]

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.running.server.url

    def path(self, *parts: object) -> str:
        """The address of a page of the workspace."""
        return "/".join([f"{self.url}/w/default", *map(str, parts)])

    def client(self) -> httpx.Client:
        """A client of the API, for looking at what has reached the server."""
        return self.running.client()

    def incident(self, country: str) -> dict[str, object]:
        """A country's incident as the server has it."""
        with self.client() as client:
            answer = client.get(f"{WS}/incidents/{self.numbers[country]}")
        assert answer.status_code == 200, answer.text
        body: dict[str, object] = answer.json()
        return body

    def reached(self, country: str, **fields: object) -> dict[str, object]:
        """A country's incident once the server has these fields of it: pages show what is done before they have sent it."""
        return eventually(
            lambda: self.incident(country), lambda body: all(body[name] == value for name, value in fields.items())
        )

    def got(self, path: str, wanted: Callable[[Any], bool], **parameters: object) -> Any:
        """What the server answers, once it is what is wanted."""
        with self.client() as client:
            return eventually(lambda: client.get(path, params=parameters).raise_for_status().json(), wanted)  # type: ignore[arg-type]

    @contextmanager
    def context(self, faults: Faults) -> Iterator[BrowserContext]:
        """A browser of somebody: its own cookies and storage."""
        context = self.browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, timezone_id="Europe/Lisbon", locale="en-GB"
        )
        context.set_default_timeout(PATIENCE)
        faults.watch(context)
        try:
            yield context
        finally:
            context.close()

    def sign_in(self, page: Page, link: str | None = None) -> None:
        """Signs a page in, as the local operator or by the link, and waits for the queue."""
        page.goto(link or self.running.application.sign_in_link(self.url))
        page.wait_for_url(re.compile(r"/incidents"))
        expect(page.get_by_role("grid", name="Incidents")).to_be_visible()

    def link_of(self, name: str) -> str:
        """A one-time sign-in of a colleague who may change incidents; the account is made when there is none."""
        application = self.running.application
        operator = local_operator()
        if name not in {account.name for account in application.identity.accounts(by=operator)}:
            application.identity.create_account("user", name, by=operator, display_name=name.title())
            workspace = application.workspace("default")
            application.identity.grant(name, Role.RESPONDER, workspace.id, by=operator)
        token = application.identity.create_sign_in(name, by=operator)
        return f"{self.url}/signin?token={token.reveal()}"


@pytest.fixture(scope="package")
def site(chromium: Path, range_server: RangeServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server and one browser for all tests here; a test changes only incidents that are its own."""
    if assets() is None:
        pytest.skip("the console is not built (make console)")
    expect.set_options(timeout=PATIENCE)
    folder = tmp_path_factory.mktemp("browser")
    range_server.reset()
    clouds = {"Local": local_cloud(range_server.url, range_server.ca_path)}
    with serving(folder / "data", clouds) as running:
        numbers = raise_incidents(running, folder / "files")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
            try:
                yield Site(running, browser, numbers)
            finally:
                browser.close()


@pytest.fixture
def faults(site: Site) -> Iterator[Faults]:
    """What the pages of the test do wrong; there must be nothing at its end."""
    held = Faults(site.url)
    yield held
    assert held.unexpected() == []


@pytest.fixture
def stranger(site: Site, faults: Faults) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    with site.context(faults) as context:
        yield context.new_page()


@pytest.fixture
def page(site: Site, faults: Faults) -> Iterator[Page]:
    """A page of the local operator, on the queue."""
    with site.context(faults) as context:
        page = context.new_page()
        site.sign_in(page)
        yield page


@pytest.fixture
def status(page: Page) -> Callable[[str], None]:
    """Waits until the status line says the text."""

    def says(text: str) -> None:
        expect(page.locator(".vd-status-text")).to_contain_text(text)

    return says


def fragment(page: Page) -> str:
    """What stands behind the # of the address, readable."""
    return unquote_plus(page.url.partition("#")[2])
