"""The Attachment API: files of a record. Source: "Attachment API" of ServiceNow's REST reference."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from vedette.range.documents import Collection, Document
from vedette.range.servicenow import records
from vedette.range.state import FakeTenant

TABLE: Final = "sys_attachment"
MAX_FILE: Final = 4 * 1024 * 1024
_CONTENT: Final = "_content"


class AttachmentRefused(Exception):
    """A file that cannot be attached: the status, and what is wrong."""

    def __init__(self, status: int, message: str, detail: str) -> None:
        super().__init__(message)
        self.status, self.message, self.detail = status, message, detail


def add(
    tenant: FakeTenant, table: str, sys_id: str, name: str, content: bytes, kind: str, user: str, origin: str
) -> Document:
    """Attach a file to a record; returns what is told of it."""
    if not table or not sys_id or not name:
        raise AttachmentRefused(400, "Invalid request", "table_name, table_sys_id and file_name are required")
    if tenant.documents.of("servicenow", "table", table).get(sys_id) is None:
        raise AttachmentRefused(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
    if len(content) > MAX_FILE:
        raise AttachmentRefused(413, "Request too large", f"at most {MAX_FILE} bytes")
    given = {
        "table_name": table, "table_sys_id": sys_id, "file_name": name, "content_type": kind, "size_bytes": str(len(content)),
        "size_compressed": str(len(content)), "compressed": "true", "hash": hashlib.sha256(content).hexdigest(), "state": "available",
    }  # fmt: skip
    record = records.defaults(tenant, TABLE, given, user)
    record["download_link"] = f"{origin}/api/now/attachment/{record['sys_id']}/file"
    files(tenant).put(record["sys_id"], {**record, _CONTENT: base64.b64encode(content).decode()})
    return record


def files(tenant: FakeTenant) -> Collection:
    """The files of every record."""
    return tenant.documents.of("servicenow", "table", TABLE)


def told(file: Document) -> dict[str, Any]:
    """What is told of a file."""
    return {name: value for name, value in file.items() if name != _CONTENT}


def content_of(file: Document) -> bytes:
    """The file itself."""
    return base64.b64decode(file[_CONTENT])
