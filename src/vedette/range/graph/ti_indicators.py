"""Graph /security/tiIndicators (beta, no longer developed by Microsoft): threat indicators for Azure Sentinel and Defender."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.documents import Document
from vedette.range.graph.errors import SECURITY, GraphError, bad_request
from vedette.range.graph.operations import GraphRequest, GraphResponse, graph
from vedette.range.graph.query import EntityType, read_collection, read_entity
from vedette.range.odata import moment_of
from vedette.range.state import timestamp

PATH: Final = "security/tiIndicators"
WRITE: Final = ("ThreatIndicators.ReadWrite.OwnedBy",)
READ: Final = (*WRITE, "ThreatIndicators.Read.All")
MAX_BATCH: Final = 100
_ACTIONS: Final = ("unknown", "allow", "block", "alert")
_PRODUCTS: Final = ("Azure Sentinel", "Microsoft Defender ATP")
_TLP: Final = ("unknown", "white", "green", "amber", "red")
_THREATS: Final = "Botnet C2 CryptoMining Darknet DDoS MaliciousUrl Malware Phishing Proxy PUA WatchList".split()
_OBSERVABLES: Final = frozenset(
    "emailEncoding emailLanguage emailRecipient emailSenderAddress emailSenderName emailSourceDomain "
    "emailSourceIpAddress emailSubject emailXMailer fileCompileDateTime fileCreatedDateTime fileHashType fileHashValue "
    "fileMutexName fileName filePacker filePath fileSize fileType domainName networkCidrBlock networkDestinationAsn "
    "networkDestinationCidrBlock networkDestinationIPv4 networkDestinationIPv6 networkDestinationPort networkIPv4 "
    "networkIPv6 networkPort networkProtocol networkSourceAsn networkSourceCidrBlock networkSourceIPv4 networkSourceIPv6 "
    "networkSourcePort url userAgent".split()
)
_PROPERTIES: Final = _OBSERVABLES | frozenset(
    "action activityGroupNames additionalInformation azureTenantId confidence description diamondModel "
    "expirationDateTime externalId id ingestedDateTime isActive killChain knownFalsePositives lastReportedDateTime "
    "malwareFamilyNames passiveOnly severity tags targetProduct threatType tlpLevel vendorInformation".split()
)
KIND: Final = EntityType(
    name="microsoft.graph.tiIndicator",
    properties=_PROPERTIES,
    order="ingestedDateTime desc",
    default_top=100,
    max_top=1000,
)
_READ_ONLY: Final = frozenset({"id", "azureTenantId", "ingestedDateTime", "vendorInformation"})


@graph("GET", "/security/tiIndicators", permissions=READ, area=SECURITY)
def list_indicators(request: GraphRequest) -> GraphResponse:
    """A page of indicators."""
    return read_collection(request, KIND, request.collection(PATH), segment=PATH)


@graph("GET", "/security/tiIndicators/{id}", permissions=READ, area=SECURITY)
def get_indicator(request: GraphRequest) -> GraphResponse:
    """One indicator."""
    return read_entity(request, KIND, _one(request, request.names["id"]), segment=PATH)


@graph("POST", "/security/tiIndicators", permissions=WRITE, area=SECURITY)
def create_indicator(request: GraphRequest) -> GraphResponse:
    """A new indicator."""
    made = _create(request, request.document())
    return GraphResponse(201, {"@odata.context": f"{request.context}{PATH}/$entity", **made})


@graph("PATCH", "/security/tiIndicators/{id}", permissions=WRITE, area=SECURITY)
def update_indicator(request: GraphRequest) -> GraphResponse:
    """Change an indicator: 204, or the indicator with `Prefer: return=representation`."""
    changed = _update(request, request.names["id"], request.document())
    if "return=representation" in request.prefer:
        return GraphResponse(200, {"@odata.context": f"{request.context}{PATH}/$entity", **changed})
    return GraphResponse(204)


@graph("DELETE", "/security/tiIndicators/{id}", permissions=WRITE, area=SECURITY)
def delete_indicator(request: GraphRequest) -> GraphResponse:
    """Delete an indicator; 404 the second time."""
    request.collection(PATH).delete(_one(request, request.names["id"])["id"])
    return GraphResponse(204)


@graph("POST", "/security/tiIndicators/submitTiIndicators", permissions=WRITE, area=SECURITY)
def submit(request: GraphRequest) -> GraphResponse:
    """Many new indicators at once; one that is not right fails alone."""
    return _many(request, lambda given: _create(request, given))


@graph("POST", "/security/tiIndicators/updateTiIndicators", permissions=WRITE, area=SECURITY)
def update_many(request: GraphRequest) -> GraphResponse:
    """Many changes at once."""
    return _many(request, lambda given: _update(request, str(given.get("id")), given))


@graph("POST", "/security/tiIndicators/deleteTiIndicators", permissions=WRITE, area=SECURITY)
def delete_many(request: GraphRequest) -> GraphResponse:
    """Delete by ids."""
    collection = request.collection(PATH)
    return _results(request, [(name, collection.delete(name) is not None) for name in _list(request)])


@graph("POST", "/security/tiIndicators/deleteTiIndicatorsByExternalId", permissions=WRITE, area=SECURITY)
def delete_many_by_external_id(request: GraphRequest) -> GraphResponse:
    """Delete by the ids that the submitter gave."""
    collection, done = request.collection(PATH), []
    for name in _list(request):
        fitting = [each for each in collection if each.get("externalId") == name]
        for each in fitting:
            collection.delete(each["id"])
        done.append((name, bool(fitting)))
    return _results(request, done)


def _create(request: GraphRequest, given: Document) -> Document:
    body = {name: value for name, value in given.items() if not name.startswith("@odata.")}
    _check(body)
    for name in ("action", "description", "expirationDateTime", "targetProduct", "threatType", "tlpLevel"):
        if body.get(name) in (None, ""):
            raise bad_request(f"The property '{name}' is required.")
    if not any(body.get(name) for name in _OBSERVABLES):
        raise bad_request("An indicator needs at least one email, file or network observable.")
    known = None
    if body.get("externalId"):
        known = next((each for each in request.collection(PATH) if each.get("externalId") == body["externalId"]), None)
    made = {
        "isActive": True,
        "passiveOnly": False,
        "severity": 3,
        **body,
        "id": known["id"] if known else request.tenant.ids(),
        "azureTenantId": request.directory.id,
        "ingestedDateTime": timestamp(request.tenant.clock.now()),
    }
    request.collection(PATH).put(made["id"], made)
    return made


def _update(request: GraphRequest, name: str, given: Document) -> Document:
    body = {key: value for key, value in given.items() if not key.startswith("@odata.") and key not in _READ_ONLY}
    _check(body)
    changed = {**_one(request, name), **body}
    request.collection(PATH).put(changed["id"], changed)
    return changed


def _check(body: Document) -> None:
    for name in body:
        if name not in _PROPERTIES:
            raise bad_request(f"Could not find a property named '{name}' on type '{KIND.name}'.")
    for name, members in (("action", _ACTIONS), ("tlpLevel", _TLP)):
        if body.get(name) is not None and body[name] not in members:
            raise bad_request(f"Requested value '{body[name]}' was not found in the enum of '{name}'.")
    if body.get("threatType") is not None and body["threatType"].lower() not in {each.lower() for each in _THREATS}:
        raise bad_request(f"'{body['threatType']}' is no threatType.")
    if body.get("targetProduct") is not None and body["targetProduct"] not in _PRODUCTS:
        raise bad_request(f"'{body['targetProduct']}' is no targetProduct; there are {' and '.join(_PRODUCTS)}.")
    if body.get("expirationDateTime") is not None and moment_of(body["expirationDateTime"]) is None:
        raise bad_request("'expirationDateTime' is no time.")
    for name, most in (("confidence", 100), ("severity", 5)):
        value = body.get(name)
        if value is not None and (type(value) is not int or not 0 <= value <= most):
            raise bad_request(f"'{name}' is a number from 0 to {most}.")


def _many(request: GraphRequest, work: Any) -> GraphResponse:
    results, failed = [], False
    for given in _list(request):
        try:
            if not isinstance(given, dict):
                raise bad_request("An indicator is an object.")
            results.append(work(given))
        except GraphError as error:
            failed = True
            results.append(
                {
                    "externalId": given.get("externalId") if isinstance(given, dict) else None,
                    "error": {"code": error.code, "message": error.message},
                }
            )
    return GraphResponse(
        206 if failed else 200, {"@odata.context": f"{request.context}Collection({KIND.name})", "value": results}
    )


def _results(request: GraphRequest, done: list[tuple[str, bool]]) -> GraphResponse:
    value = [
        {"id": name, "code": 200 if found else 404, "message": None if found else "NotFound", "subCode": None}
        for name, found in done
    ]
    body = {"@odata.context": f"{request.context}Collection(microsoft.graph.resultInfo)", "value": value}
    return GraphResponse(200 if all(found for _, found in done) else 206, body)


def _list(request: GraphRequest) -> list[Any]:
    given = request.document().get("value")
    if not isinstance(given, list) or not given:
        raise bad_request("'value' has to be a list.")
    if len(given) > MAX_BATCH:
        raise bad_request(f"At most {MAX_BATCH} indicators are taken at once, not {len(given)}.")
    return given


def _one(request: GraphRequest, name: str) -> Document:
    found = request.collection(PATH).get(name)
    if found is None:
        raise GraphError(404, "ResourceNotFound", f"The indicator '{name}' was not found.")
    return found
