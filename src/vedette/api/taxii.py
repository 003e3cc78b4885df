"""A TAXII 2.1 server: the indicators in force of each workspace, for other products to read
(docs.oasis-open.org/cti/taxii/v2.1/taxii-v2.1.html).

A collection is a workspace, by its id. Who asks for all of it gets what is in force; who asks for what was added since a moment also
gets what was taken out of force since then, as revoked, since otherwise they would keep it for ever.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi import FastAPI
from sqlalchemy import Select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vedette.api.application import Application
from vedette.api.security import visible_workspace
from vedette.clients.taxii import taxii_time
from vedette.core.errors import InvalidInput, NotFound, TooManyRequests, Unauthorized, VedetteError
from vedette.core.roles import Permission, Principal
from vedette.core.workspaces import Workspace
from vedette.intel.indicators import IntelObject
from vedette.intel.models import IntelObjectRow
from vedette.intel.stix import INDICATOR, read_moment, stix_time

log = logging.getLogger(__name__)
MEDIA: Final = "application/taxii+json;version=2.1"
_ACCEPTED: Final = frozenset({"application/taxii+json;version=2.1", "application/taxii+json", "*/*", "application/*"})
ROOT: Final = "/taxii2/root/"
MOST: Final = 1_000
"""Objects of an answer."""
_LEVELS_KEPT: Final = "Red"
"""What is marked so goes no further (TLP)."""
_MATCHES: Final = ("match[id]", "match[type]", "match[version]", "match[spec_version]")


class _NotAcceptable(VedetteError):
    default_status = 406


def install_taxii(app: FastAPI, application: Application) -> None:
    """Adds the routes; before the console's, which takes every address that is left."""
    server = _Server(application)
    routes: tuple[tuple[str, Callable[[Request, Principal], Response]], ...] = (
        ("/taxii2/", server.discovery),
        (ROOT, server.root),
        (f"{ROOT}collections/", server.collections),
        (f"{ROOT}collections/{{ws}}/", server.collection),
        (f"{ROOT}collections/{{ws}}/manifest/", server.manifest),
        (f"{ROOT}collections/{{ws}}/objects/", server.objects),
        (f"{ROOT}collections/{{ws}}/objects/{{object}}/", server.object),
        (f"{ROOT}collections/{{ws}}/objects/{{object}}/versions/", server.versions),
    )
    for path, answer in routes:
        app.router.routes.append(Route(path, _endpoint(application, answer), methods=["GET"], include_in_schema=False))


def _endpoint(
    application: Application, answer: Callable[[Request, Principal], Response]
) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        try:
            caller = application.identity.authenticate(_token(request))
            accepted = request.headers.get("accept", "*/*").lower().replace(" ", "").split(",")
            if not any(one.partition(";q=")[0] in _ACCEPTED for one in accepted):
                raise _NotAcceptable("This server speaks TAXII 2.1.", hint=f"Accept: {MEDIA}")
            return answer(request, caller)
        except VedetteError as error:
            return _failed(error)
        except Exception as error:
            log.error("%s %s failed", request.method, request.url.path, exc_info=error)
            return _failed(
                VedetteError("Vedette failed where it should not; the server's log has the details.", status=500)
            )

    return endpoint


class _Server:
    def __init__(self, application: Application) -> None:
        self._application = application

    def discovery(self, request: Request, caller: Principal) -> Response:
        root = f"{self._address(request)}{ROOT}"
        return _answer({"title": "Vedette", "description": "Indicators in force", "default": root, "api_roots": [root]})

    def root(self, request: Request, caller: Principal) -> Response:
        return _answer({"title": "Vedette", "versions": [MEDIA], "max_content_length": 1})

    def collections(self, request: Request, caller: Principal) -> Response:
        workspaces = self._application.workspaces.list()
        found = [one for one in workspaces if Permission.CONTENT_READ in caller.permissions(one.id)]
        return _answer({"collections": [_described(one) for one in found]} if found else {})

    def collection(self, request: Request, caller: Principal) -> Response:
        return _answer(_described(self._workspace(request, caller)))

    def objects(self, request: Request, caller: Principal) -> Response:
        return self._page(request, caller, None)

    def object(self, request: Request, caller: Principal) -> Response:
        return self._page(request, caller, request.path_params["object"])

    def manifest(self, request: Request, caller: Principal) -> Response:
        found, following, headers = self._found(request, caller, None)
        told = [
            {
                "id": one.stix_id, "date_added": taxii_time(one.changed_at), "version": content["modified"],
                "media_type": "application/stix+json;version=2.1",
            }
            for one, content in found
        ]  # fmt: skip
        return _answer(_enveloped(told, following), headers)

    def versions(self, request: Request, caller: Principal) -> Response:
        found, following, headers = self._found(request, caller, request.path_params["object"])
        if not found:
            raise NotFound(f"There is no object '{request.path_params['object'][:200]}'.")
        told = {"versions": sorted({content["modified"] for _, content in found})}
        return _answer(told if following is None else told | {"more": True, "next": following}, headers)

    def _page(self, request: Request, caller: Principal, identity: str | None) -> Response:
        found, following, headers = self._found(request, caller, identity)
        if identity is not None and not found:
            raise NotFound(f"There is no object '{identity[:200]}'.")
        return _answer(_enveloped([content for _, content in found], following), headers)

    def _found(
        self, request: Request, caller: Principal, identity: str | None
    ) -> tuple[list[tuple[IntelObject, dict[str, Any]]], str | None, dict[str, str]]:
        """The objects that are asked for, where the next page is, and when they were added."""
        workspace = self._workspace(request, caller)
        indicators = self._application.services(workspace).indicators
        asked = request.query_params
        after, ended = _place(asked)
        limit = min(_limit(asked.get("limit")), MOST)
        matches = {name: asked[name].split(",") for name in _MATCHES if name in asked}
        wanted = [identity] if identity is not None else matches.get("match[id]")

        def only(query: Select[Any]) -> Select[Any]:
            query = query.where(IntelObjectRow.stix_type == INDICATOR)
            return query if wanted is None else query.where(IntelObjectRow.stix_id.in_(wanted))

        page = indicators.changed(after, limit + 1, ended=ended, only=only)
        more, page = len(page) > limit, page[:limit]
        found = [(one, served(one)) for one in page if one.tlp != _LEVELS_KEPT]
        found = [(one, content) for one, content in found if _fits(content, matches)]
        if not page:
            return [], None, {}
        headers = {
            "X-TAXII-Date-Added-First": taxii_time(page[0].changed_at), "X-TAXII-Date-Added-Last": taxii_time(page[-1].changed_at),
        }  # fmt: skip
        return found, _token_of(page[-1].changed_at, ended) if more else None, headers

    def _workspace(self, request: Request, caller: Principal) -> Workspace:
        held = self._application
        workspace = held.in_use(visible_workspace(held, caller, request.path_params["ws"]))
        caller.require(workspace.id, Permission.CONTENT_READ)
        return workspace

    def _address(self, request: Request) -> str:
        return (self._application.settings.public_url or str(request.base_url)).rstrip("/")


def served(one: IntelObject) -> dict[str, Any]:
    """The object as others get it: revoked where it was withdrawn or deleted here, in a version of that moment."""
    content = dict(one.content)
    content.setdefault("spec_version", "2.1")
    content.setdefault("pattern_type", "stix")
    if one.withdrawn_by is not None or one.deleted:
        content |= {"revoked": True, "modified": stix_time(one.changed_at)}
    return content


def _described(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id, "title": f"Indicators of {workspace.name}", "alias": workspace.name, "can_read": True, "can_write": False,
        "media_types": ["application/stix+json;version=2.1"],
    }  # fmt: skip


def _enveloped(objects: Sequence[object], following: str | None) -> dict[str, Any]:
    if following is not None:
        return {"more": True, "next": following, "objects": objects}
    return {"more": False, "objects": objects} if objects else {}


def _fits(content: Mapping[str, Any], matches: Mapping[str, Sequence[str]]) -> bool:
    """Whether the filters let an object through; there is only the newest version of each."""
    if content["type"] not in matches.get("match[type]", (content["type"],)):
        return False
    if content["spec_version"] not in matches.get("match[spec_version]", (content["spec_version"],)):
        return False
    versions = matches.get("match[version]", ("last",))
    if any(one in ("first", "last", "all") for one in versions):
        return True
    modified = read_moment(content["modified"])
    return any(read_moment(one) == modified for one in versions)


def _token(request: Request) -> str:
    """The API token: the password of any user, or a bearer's."""
    scheme, _, credential = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and credential:
        return credential.strip()
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(credential.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        if password:
            return password
    raise Unauthorized("The request has no credential.", hint="An API token is the password of any user.")


def _place(asked: Mapping[str, str]) -> tuple[datetime | None, bool]:
    """After which moment objects are asked for, and whether those that have ended are, too."""
    given = asked.get("next")
    if given is not None:
        try:
            ended, _, moment = base64.urlsafe_b64decode(given.encode()).decode().partition("@")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            ended, moment = "", ""
        found = read_moment(moment)
        if ended not in ("0", "1") or found is None:
            raise InvalidInput("The value of 'next' is none that this server gave.", target="next")
        return found, ended == "1"
    given = asked.get("added_after")
    if given is None:
        return None, False
    found = read_moment(given)
    if found is None:
        raise InvalidInput("'added_after' is no timestamp of RFC 3339.", target="added_after")
    return found, True


def _token_of(moment: datetime, ended: bool) -> str:
    return base64.urlsafe_b64encode(f"{int(ended)}@{taxii_time(moment)}".encode()).decode()


def _limit(text: str | None) -> int:
    if text is None:
        return MOST
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise InvalidInput("'limit' is no number above 0.", target="limit")
    return int(text)


def _answer(document: object, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, dict(headers or {}), MEDIA)


def _failed(error: VedetteError) -> Response:
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Vedette"'
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    described = error.message if not error.hint else f"{error.message} {error.hint}"
    body = {
        "title": error.message,
        "description": described,
        "error_code": error.code,
        "http_status": str(error.status),
    }
    return _answer(body, headers, error.status)
