"""A TAXII server (2.1 and 2.0) that keeps to the specification, with faults that a test asks for."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD = "feed", "s3cret: with a colon"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
OTHER = "1b1b1b1b-80eb-42ed-a74d-c6fbd5a26116"
V21 = "application/taxii+json;version=2.1"


@dataclass
class TaxiiServer:
    """What the server has and does. `objects` are pairs of when an object was added, and the object."""

    url: str = ""
    version: str = "2.1"
    objects: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    page: int = 5
    faults: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers to the next requests for objects: a status (0: as always) and headers."""
    says_added: bool = True
    says_next: bool = True
    requests: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    roots: list[str] = field(default_factory=lambda: ["/api1/"])
    titles: dict[str, str] = field(default_factory=lambda: {COLLECTION: "IOC feed", OTHER: "Write only"})

    def put(self, added: str, content: dict[str, Any]) -> None:
        """Adds an object."""
        self.objects.append((added, content))
        self.objects.sort(key=lambda one: one[0])

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        """Status, headers and document."""
        self.requests.append(target)
        url = urlsplit(target)
        given = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if headers.get("authorization") != f"Basic {given}":
            return 401, {"WWW-Authenticate": "Basic"}, {"title": "Unauthorized"}
        accepted = V21 if self.version == "2.1" else "application/vnd.oasis."
        if not headers.get("accept", "").startswith(accepted):
            return 406, {}, {"title": "Not Acceptable"}
        if url.path == "/taxii2/":
            return 200, {}, {"title": "Test", "api_roots": self.roots}
        if url.path in self.roots:
            return 200, {}, {"title": "Root", "versions": [V21], "max_content_length": 10_000}
        root = next((one for one in self.roots if url.path.startswith(one)), None)
        if root is None:
            return 404, {}, {"title": "No such root"}
        listed = [
            {"id": one, "title": title, "can_read": one == COLLECTION, "can_write": True}
            for one, title in self.titles.items()
        ]
        if url.path == f"{root}collections/":
            return 200, {}, {"collections": listed}
        if url.path != f"{root}collections/{COLLECTION}/objects/":
            return 404, {}, {"title": "No such collection"}
        if self.faults:
            status, more = self.faults.pop(0)
            if status:
                return status, more, {"title": "Fault"}
        return self._objects(parse_qs(url.query), headers)

    def _objects(self, query: dict[str, list[str]], headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        after = query.get("added_after", [""])[0]
        found = [one for one in self.objects if one[0] > after]
        if self.version == "2.0":
            start, end = (int(part) for part in headers["range"].removeprefix("items ").split("-"))
            some = found[start : min(end + 1, start + self.page)]
            span = {"Content-Range": f"items {start}-{start + len(some) - 1}/{len(found)}"}
            return (
                (206 if len(some) < len(found) else 200),
                self._added(some) | span,
                {"type": "bundle", "objects": [one for _, one in some]},
            )
        start = 0
        if "next" in query:
            if query["next"][0] not in self.places:
                return 400, {}, {"title": "No such page"}
            start = self.places[query["next"][0]]
        size = min(self.page, int(query["limit"][0]))
        some = found[start : start + size]
        document: dict[str, Any] = (
            {} if not some else {"more": start + size < len(found), "objects": [one for _, one in some]}
        )
        if document.get("more") and self.says_next:
            document["next"] = f"p{start + size}"
            self.places[document["next"]] = start + size
        return 200, self._added(some), document

    def _added(self, some: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
        if not some or not self.says_added:
            return {}
        return {"X-TAXII-Date-Added-First": some[0][0], "X-TAXII-Date-Added-Last": some[-1][0]}


@contextmanager
def taxii_server() -> Iterator[TaxiiServer]:
    """A running server."""
    made = TaxiiServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, document = made.answer(
                self.path, {name.lower(): value for name, value in self.headers.items()}
            )
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Type": V21, "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
