"""Defender Vulnerability Management's exports of software and its vulnerabilities by device: the answers and files of its API
(`SoftwareVulnerabilitiesByMachine`, `SoftwareVulnerabilityChangesByMachine`, `SoftwareInventoryByMachine`, `machinesVulnerabilities`), and
advanced hunting, whose tables of them have no time; and its exports of assessments (`SecureConfigurationsAssessmentByMachine`,
`InfoGatheringExport`), which tell theirs.

What the API tells beside the tables' columns stays with the row under its own name. A full export is how things are when it is made and
says no time of its own; when a device was last seen is another one. An export of changes tells when each was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from vedette.collect.formats.columns import Record, Unreadable, columns, text
from vedette.collect.formats.shapes import moment
from vedette.collect.formats.timestamps import Moments

VULNERABILITIES: Final = "DeviceTvmSoftwareVulnerabilities"
INVENTORY: Final = "DeviceTvmSoftwareInventory"
CONFIGURATIONS: Final = "DeviceTvmSecureConfigurationAssessment"
INFORMATION: Final = "DeviceTvmInfoGathering"
_RENAMED: Final = {
    "machineId": "DeviceId", "productName": "SoftwareName", "productVendor": "SoftwareVendor", "productVersion": "SoftwareVersion",
    "severity": "VulnerabilitySeverityLevel",
}  # fmt: skip
_SOFTWARE: Final = frozenset({"deviceid", "devicename", "softwarevendor", "softwarename", "softwareversion"})


def is_export(record: Mapping[str, Any]) -> bool:
    """Whether a record is of software on a device, or of a vulnerability of it, and has no time of a log table."""
    names = {name.casefold() for name in record}
    if not names >= _SOFTWARE or not names.isdisjoint(("timegenerated", "timestamp")):
        return False
    return {"vulnerabilityseveritylevel", "cveid"} <= names or "endofsupportstatus" in names


def is_assessment(record: Mapping[str, Any]) -> bool:
    """Whether a record is of an assessment of a device as the API writes it, or of what was found out about a device."""
    if "TimeGenerated" in record:
        return False
    return {"deviceId", "configurationId", "isCompliant", "timestamp"} <= record.keys() or (
        {"DeviceId", "DeviceGatheredInfo", "Timestamp"} <= record.keys()
    )


def read_assessment(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of an assessment."""
    gathered = "DeviceGatheredInfo" in record
    at = moment(record.get("Timestamp" if gathered else "timestamp"), moments)
    if at is None:
        return Unreadable(text(record), "the assessment has no timestamp that can be read")
    row: dict[str, Any] = {}
    table = INFORMATION if gathered else CONFIGURATIONS
    columns(table).put(row, record, {"DeviceGatheredInfo": "AdditionalFields"})
    return Record(table, {**row, "TimeGenerated": at, "Timestamp": at})


def is_vulnerability(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of `machinesVulnerabilities`, which has other names for the same."""
    return {"cveId", "machineId", "productName", "productVendor", "productVersion", "severity"} <= record.keys()


def read_vulnerability(record: Mapping[str, Any], moments: Moments) -> Record:
    """The row of a record of `machinesVulnerabilities`, which tells no time."""
    row: dict[str, Any] = {}
    columns(VULNERABILITIES).put(row, record, _RENAMED)
    return Record(VULNERABILITIES, row)


def read(record: Mapping[str, Any], moments: Moments) -> Record | Unreadable:
    """The row of the table of vulnerabilities, or of that of software; without a TimeGenerated where the export tells none."""
    named = {name.casefold(): value for name, value in record.items()}
    row: dict[str, Any] = {}
    event = named.get("eventtimestamp")
    if event not in (None, ""):
        at = moment(event, moments)
        if at is None:
            return Unreadable(text(record), "the change has no eventTimestamp that can be read")
        row["TimeGenerated"] = at
    columns(VULNERABILITIES if "cveid" in named else INVENTORY).put(row, record)
    return Record(VULNERABILITIES if "cveid" in named else INVENTORY, row)
