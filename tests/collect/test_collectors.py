"""The output of collectors of incident responders and of portals, all in one archive, as it lies on an investigator's disk."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.collect.test_files import ACTIVITY, AUDIT, DIAGNOSTIC, NOW, OFFICE, pascal, sign_in
from vedette.collect.files.loader import FileLoader
from vedette.core.clock import VirtualClock
from vedette.store.logstore import LogStore


def table(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    """CSV as PowerShell writes it: every value in quotes, lines that end in CRLF."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def office(number: int, day: int) -> dict[str, Any]:
    return OFFICE | {"Id": f"o-{number}", "CreationTime": f"2026-03-{day:02}T12:00:00", "Subject": "Größe; geändert"}


def audited(number: int, day: int) -> dict[str, Any]:
    """What Search-UnifiedAuditLog gives."""
    return {
        "PSComputerName": "outlook.office365.com", "RecordType": "ExchangeAdmin", "CreationDate": f"3/{day}/2026 12:00:00 PM",
        "UserIds": "pat", "Operations": "New-InboxRule", "AuditData": json.dumps(office(number, day), ensure_ascii=False),
        "ResultIndex": "1", "ResultCount": "9", "Identity": f"o-{number}", "IsValid": "True", "ObjectState": "Unchanged",
    }  # fmt: skip


def traced(number: int, received: str) -> dict[str, Any]:
    return {
        "Organization": "contoso.example", "MessageId": f"<m{number}@x>", "Received": received, "SenderAddress": "eve@x",
        "RecipientAddress": "pat@contoso.example", "Subject": "Hi", "Status": "Delivered", "ToIP": "", "FromIP": "203.0.113.9", "Size": "4",
        "MessageTraceId": f"0f9f-{number}", "StartDate": "01/03/2026 00:00:00", "EndDate": "31/03/2026 00:00:00", "Index": "0",
    }  # fmt: skip


def audit(number: int, day: int) -> dict[str, Any]:
    return AUDIT | {"id": f"d-{number}", "activityDateTime": f"2026-03-{day:02}T08:00:00Z"}


def nested() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("insights/y=2026/PT1H.json", json.dumps(DIAGNOSTIC))
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        content = "".join(json.dumps(sign_in(number, 8)) + "\n" for number in (50, 51)).encode()
        member = tarfile.TarInfo("var/log/x.jsonl")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


SUITE = "Kunde Müller & Söhne (Kopie)/2026-03 – IR/Output"
GOOSE = "goose ran/output"
HAWK = "Hawk_20260310/Hawk"
RULE = {"UserName": "pat", "RuleName": "x", "Enabled": "True", "ForwardTo": "eve@x"}
# name → content, table, rows stored, records that came again, records put aside
FILES: dict[str, tuple[bytes, str, int, int, int]] = {
    f"{SUITE}/EntraID/a/SignInLogsGraph.json": (json.dumps([sign_in(n, 1 + n) for n in range(4)], indent=2).encode("utf-16"),
                                               "SigninLogs", 4, 0, 0),
    f"{SUITE}/EntraID/b/SignInLogsGraph.json": (json.dumps([sign_in(n, 1 + n) for n in range(2, 6)]).encode("utf-8-sig"),
                                               "SigninLogs", 2, 2, 0),
    f"{SUITE}/EntraID/AuditLogsGraph.json": (json.dumps([pascal(audit(n, 2)) for n in (10, 11)], indent=4).replace("\n", "\r\n").encode("utf-16"),
                                            "AuditLogs", 2, 0, 0),
    f"{SUITE}/UAL/UAL-1.csv": (table([audited(n, 1 + n) for n in range(3)]).encode("utf-16"), "OfficeActivity", 3, 0, 0),
    f"{SUITE}/UAL/UAL-2.csv": (table([audited(n, 1 + n) for n in range(2, 5)], ";").encode("utf-8-sig"), "OfficeActivity", 2, 1, 0),
    f"{SUITE}/UAL/UAL-3.json": (json.dumps([audited(5, 6)]).encode(), "OfficeActivity", 1, 0, 0),
    f"{SUITE}/MessageTrace/pat-MTL.csv": (table([traced(n, f"{13 + n}/03/2026 20:53:00") for n in range(3)], ";").encode(),
                                         "ExchangeMessageTrace_CL", 3, 0, 0),
    f"{GOOSE}/entraid/interactiveUser_signin_log.json": ("\n".join(json.dumps(sign_in(n, 3)) for n in (20, 21)).encode(), "SigninLogs", 2, 0, 0),
    f"{GOOSE}/entraid/directory_audit.json": ((json.dumps(audit(30, 4)) + "\n" + json.dumps(audit(31, 4))[:90]).encode(), "AuditLogs", 1, 0, 1),
    f"{GOOSE}/azure/activity_log.json": (json.dumps(ACTIVITY).encode() + b"\n", "AzureActivity", 1, 0, 0),
    f"{GOOSE}/m365/ual.json": ("\n".join(json.dumps(office(n, 6)) for n in (30, 31)).encode(), "OfficeActivity", 2, 0, 0),
    f"{HAWK}/Tenant/Admin_Inbox_Rules_Creation.json": (json.dumps([audited(40, 4)], indent=1).encode("utf-16"), "OfficeActivity", 1, 0, 0),
    f"{HAWK}/Tenant/Admin_Inbox_Rules_Creation.csv": (table([audited(40, 4)]).encode("utf-16"), "OfficeActivity", 0, 1, 0),
    f"{HAWK}/Tenant/Rules_Raw.json": ((json.dumps(office(40, 4)) + "\r\n" + json.dumps(office(41, 4))).encode("utf-16"), "OfficeActivity", 1, 1, 0),
    f"{HAWK}/pat@contoso.example/Message_Trace.csv": (table([traced(7, "3/1/2026 8:53:07 PM")]).encode("utf-16"),
                                                     "ExchangeMessageTrace_CL", 1, 0, 0),
    "portal/InteractiveSignIns.csv": (b"\xef\xbb\xbfDate (UTC);Request ID;Application;Username;Location\r\n02.03.2026 10:00:01;R1;App;pat;Porto, PT\r\n"
                                      b"09.03.2026 10:00:01;z;App;pat;Porto, PT\r\n", "SigninLogs", 1, 1, 0),
    "portal/AuditLog.csv": (('RecordId,CreationDate,RecordType,Operation,UserId,AuditData\no-60,2026-03-07T12:00:00Z,1,x,pat,"'
                             + json.dumps(office(60, 7)).replace('"', '""') + '"\no-61,2026-03-07T12:00:00Z,1,x,pat,"{""Creat').encode(),
                            "OfficeActivity", 1, 0, 1),
    "more/inner.zip": (nested(), "AuditLogs", 1, 0, 0),
    "more/logs.tar.gz": (tarred(), "SigninLogs", 2, 0, 0),
}  # fmt: skip
UNKNOWN: dict[str, tuple[bytes, str]] = {
    f"{SUITE}/Rules/InboxRules.csv": (table([RULE]).encode(), "no kind that is known (UserName, RuleName, Enabled, ForwardTo)"),
    f"{SUITE}/Rules/TransportRules.csv": (b"", "there is nothing in it"),
    f"{SUITE}/Rules/none.csv": (b"\xef\xbb\xbf", "there is nothing in it"),
    f"{SUITE}/LogFile.txt": ("[INFO] Running\r\n[INFO] Done\r\n".encode("utf-16"), "neither JSON, nor CSV"),
    f"{GOOSE}/entraid/users.json": (b'{"id": "u", "displayName": "Pat", "accountEnabled": true}', "no kind that is known"),
    f"{GOOSE}/entraid/none.json": (b"[]", "there are no records in it"),
    f"{GOOSE}/entraid/page.json": (b'{"@odata.context": "x", "value": []}', "there are no records in it"),
    f"{GOOSE}/entraid/cut.json": (b'[{"id": "u", "crea', "no records in it that can be read"),
    f"{HAWK}/Tenant/Config.xml": (b'<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><S>x</S></Objs>',
                                  "Export-Clixml"),
    "azurehound.json": (b'{"data": [{"kind": "AZUser", "data": {"id": "u"}}], "meta": {"type": "azure"}}', "no kind that is known (kind, data)"),
    "portal/ansi.json": (json.dumps([sign_in(9, userDisplayName="Jörg")], ensure_ascii=False).encode("cp1252"), "neither UTF-8 nor UTF-16"),
}  # fmt: skip


@pytest.mark.req("P-033")
def test_everything_in_one_archive(tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, *_) in {**FILES, **UNKNOWN}.items():
            archive.writestr(name, content)
    with LogStore(None, VirtualClock(NOW)) as store:
        report = FileLoader(store, VirtualClock(NOW)).load([path])
        letters = store.query("OfficeActivity | where column_ifexists('Subject', '') == 'Größe; geändert' | count").rows
    assert report.failed == []
    came = {str(one.path.relative_to(path)): (one.table, one.rows, one.repeated, one.bad) for one in report.files}
    expected = {name: tuple(told) for name, (_, *told) in FILES.items()}
    assert {_member(name): told for name, told in came.items()} == expected
    reasons = {str(one.path.relative_to(path)): one.reason for one in report.unknown}
    assert reasons.keys() == UNKNOWN.keys()
    for name, (_, said) in UNKNOWN.items():
        assert said in reasons[name], (name, reasons[name])
    days: dict[str, int] = {}
    for one in report.coverage:
        days[one.table] = days.get(one.table, 0) + one.rows
    stored: dict[str, int] = {}
    for _, name, rows, *_ in FILES.values():
        stored[name] = stored.get(name, 0) + rows
    assert days == stored
    assert letters == [[stored["OfficeActivity"]]]


def _member(name: str) -> str:
    """The archive in which a file lies, for those in an archive of their own."""
    for packed in ("more/inner.zip", "more/logs.tar.gz"):
        if name.startswith(packed):
            return packed
    return name


def test_text_of_a_machines_own_encoding(tmp_path: Path) -> None:
    """Which one it is nobody can tell: what has letters of it is put aside whole, and the report says what to do."""
    path = tmp_path / "x" / "portal.csv"
    path.parent.mkdir()
    rows = "Date (UTC);Request ID;Application;Username\n02.03.2026 10:00:02;a;Büro;pat\n02.03.2026 10:00:03;b;App;pat\n"
    path.write_bytes(rows.encode("cp1252"))
    with LogStore(None, VirtualClock(NOW)) as store:
        report = FileLoader(store, VirtualClock(NOW)).load([path.parent])
        assert (report.rows, report.bad) == (1, 1)
        (note,) = report.notes
        assert "portal.csv" in note
        assert "iconv" in note
        path.write_bytes(rows.encode())
        assert FileLoader(store, VirtualClock(NOW)).load([path.parent]).rows == 1
