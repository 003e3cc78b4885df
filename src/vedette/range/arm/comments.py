"""Microsoft.SecurityInsights/incidents/comments. At most 100 comments of at most 30,000 characters to an incident."""

from __future__ import annotations

from typing import Any, Final

from vedette.range.arm.errors import ArmError, bad_request, conflict
from vedette.range.arm.incidents import incident_of
from vedette.range.arm.operations import ArmRequest, ArmResponse, operation
from vedette.range.arm.paging import asked
from vedette.range.arm.versions import SECURITY_INSIGHTS
from vedette.range.state import Comment, Incident, timestamp

TYPE: Final = "Microsoft.SecurityInsights/incidents/comments"
MAX_COMMENTS: Final = 100
MAX_MESSAGE: Final = 30_000


@operation("GET", TYPE, collection=True, action="read", versions=SECURITY_INSIGHTS)
def list_comments(request: ArmRequest) -> ArmResponse:
    """A page of comments, oldest first where `$orderby` does not say."""
    incident = incident_of(request, request.names[0])
    return asked(request, [_render(request, incident, comment) for comment in incident.comments.values()])


@operation("GET", TYPE, collection=False, action="read", versions=SECURITY_INSIGHTS)
def get_comment(request: ArmRequest) -> ArmResponse:
    """The comment, or 404."""
    incident, name = incident_of(request, request.names[0]), request.names[1]
    comment = incident.comments.get(name.lower())
    if comment is None:
        raise ArmError(404, "NotFound", f"Comment '{name}' does not exist")
    return ArmResponse(200, _render(request, incident, comment))


@operation("PUT", TYPE, collection=False, action="write", versions=SECURITY_INSIGHTS)
def put_comment(request: ArmRequest) -> ArmResponse:
    """Create (201) or replace (200); an update carries the current etag."""
    incident, name = incident_of(request, request.names[0]), request.names[1]
    message = _message(request.body)
    now, existing = request.tenant.clock.now(), incident.comments.get(name.lower())
    if existing is not None:
        if request.body.get("etag") != existing.etag:
            raise conflict(name)
        existing.message, existing.modified, existing.etag = message, now, request.tenant.next_etag()
        return ArmResponse(200, _render(request, incident, existing))
    if len(incident.comments) >= MAX_COMMENTS:
        raise bad_request(f"The incident has {MAX_COMMENTS} comments, which is the most that it can have.")
    app = request.directory.application(request.caller.client_id)
    author = {
        "objectId": request.caller.object_id,
        "email": None,
        "name": app.display_name if app else None,
        "userPrincipalName": None,
    }
    comment = Comment(name, request.tenant.next_etag(), message, now, now, author)
    incident.comments[name.lower()] = comment
    return ArmResponse(201, _render(request, incident, comment))


@operation("DELETE", TYPE, collection=False, action="delete", versions=SECURITY_INSIGHTS)
def delete_comment(request: ArmRequest) -> ArmResponse:
    """Delete (200); nothing to delete is 204."""
    gone = incident_of(request, request.names[0]).comments.pop(request.names[1].lower(), None)
    return ArmResponse(200 if gone else 204)


def _message(body: Any) -> str:
    properties = body.get("properties") if isinstance(body, dict) else None
    message = properties.get("message") if isinstance(properties, dict) else None
    if not isinstance(message, str) or not message:
        raise bad_request("Invalid comment payload: 'message' is required.")
    if len(message) > MAX_MESSAGE:
        raise bad_request(f"Invalid comment payload: 'message' is longer than {MAX_MESSAGE} characters.")
    return message


def _render(request: ArmRequest, incident: Incident, comment: Comment) -> dict[str, Any]:
    return {
        "id": f"{request.base}/Incidents/{incident.name}/Comments/{comment.name}",
        "name": comment.name,
        "etag": comment.etag,
        "type": "Microsoft.SecurityInsights/Incidents/Comments",
        "properties": {
            "message": comment.message,
            "createdTimeUtc": timestamp(comment.created),
            "lastModifiedTimeUtc": timestamp(comment.modified),
            "author": comment.author,
        },
    }
