"""The log sources of computers: Windows' channels, Sysmon, Defender for Endpoint, syslog.

Sources: Sysmon's and Windows' event manifests, and the table references of Azure Monitor and of Defender XDR's advanced hunting.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vedette.detect.reading.sigma.legs import EventData, Leg

_WINDOWS_HOST: Final = {"Host.FullName": "Computer"}
_SYSMON_USER: Final = {"Host.FullName": "Computer", "Account.FullName": "User"}


def _event(where: str, **more: str) -> Leg:
    fields = {
        "eventid": "EventID", "channel": "EventLog", "provider_name": "Source", "computer": "Computer",
        "computername": "Computer", "level": "EventLevelName", "message": "RenderedDescription", **more,
    }  # fmt: skip
    return Leg("Event", where, fields, EventData.XML, columns=False, entities=_WINDOWS_HOST)


def _windows_event(where: str, **more: str) -> Leg:
    fields = {
        "eventid": "EventID", "channel": "Channel", "provider_name": "Provider", "computer": "Computer",
        "computername": "Computer", "level": "EventLevelName", **more,
    }  # fmt: skip
    return Leg("WindowsEvent", where, fields, EventData.BAG, columns=False, entities=_WINDOWS_HOST)


def channel(*names: str) -> tuple[Leg, ...]:
    """The events of some channels of Windows' event log."""
    quoted = ", ".join(f"'{name}'" for name in names)
    return _event(f"EventLog in~ ({quoted})"), _windows_event(f"Channel in~ ({quoted})")


_HASHES: Final = {
    name: f"extract(@'(?i)\\b{name}=([0-9a-f]+)', 1, %Hashes%)" for name in ("md5", "sha1", "sha256", "imphash")
}
"""Hash values of their own, out of Sysmon's list of them; `%Name%` is the event's value of that name."""


def _sysmon(*events: int) -> tuple[Leg, ...]:
    numbers = ", ".join(map(str, events))
    legs = (
        _event(f"Source == 'Microsoft-Windows-Sysmon' and EventID in ({numbers})", **_HASHES),
        _windows_event(f"Provider == 'Microsoft-Windows-Sysmon' and EventID in ({numbers})", **_HASHES),
    )
    return tuple(replace(leg, entities=_SYSMON_USER) for leg in legs)


_XDR_ACCOUNT: Final = (
    "iff(isempty(InitiatingProcessAccountDomain), InitiatingProcessAccountName,"
    " strcat(InitiatingProcessAccountDomain, @'\\', InitiatingProcessAccountName))"
)
_XDR_PROCESS: Final = {
    "computer": "DeviceName",
    "computername": "DeviceName",
    "user": _XDR_ACCOUNT,
    "image": "InitiatingProcessFolderPath",
    "commandline": "InitiatingProcessCommandLine",
    "processid": "InitiatingProcessId",
    "parentprocessid": "InitiatingProcessParentId",
    "company": "InitiatingProcessVersionInfoCompanyName",
    "description": "InitiatingProcessVersionInfoFileDescription",
    "product": "InitiatingProcessVersionInfoProductName",
    "originalfilename": "InitiatingProcessVersionInfoOriginalFileName",
    "integritylevel": "InitiatingProcessIntegrityLevel",
}
"""The process that did it, in the tables of Defender XDR."""
_XDR_HASHES: Final = {
    "hashes": "strcat('MD5=', MD5, ',SHA1=', SHA1, ',SHA256=', SHA256)",
    "md5": "MD5",
    "sha1": "SHA1",
    "sha256": "SHA256",
}
_NO_IMPHASH: Final = {"hashes": "import hashes (IMPHASH)"}
_XDR_ENTITIES: Final = {
    "Host.FullName": "DeviceName",
    "Host.MdatpDeviceId": "DeviceId",
    "Account.FullName": _XDR_ACCOUNT,
    "Account.Sid": "InitiatingProcessAccountSid",
}


def _xdr(table: str, where: str = "", hashes: bool = False, **fields: str) -> Leg:
    named = {**_XDR_PROCESS, **(_XDR_HASHES if hashes else {}), **fields}
    return Leg(table, where, named, entities=_XDR_ENTITIES, blind=_NO_IMPHASH if hashes else {})


_XDR_PROCESS_EVENTS: Final = Leg(
    "DeviceProcessEvents",
    "ActionType == 'ProcessCreated'",
    {
        **_XDR_HASHES,
        "computer": "DeviceName",
        "computername": "DeviceName",
        "image": "FolderPath",
        "commandline": "ProcessCommandLine",
        "company": "ProcessVersionInfoCompanyName",
        "description": "ProcessVersionInfoFileDescription",
        "product": "ProcessVersionInfoProductName",
        "fileversion": "ProcessVersionInfoProductVersion",
        "originalfilename": "ProcessVersionInfoOriginalFileName",
        "integritylevel": "ProcessIntegrityLevel",
        "logonid": "strcat('0x', tohex(LogonId))",
        "user": "iff(isempty(AccountDomain), AccountName, strcat(AccountDomain, @'\\', AccountName))",
        "parentimage": "InitiatingProcessFolderPath",
        "parentcommandline": "InitiatingProcessCommandLine",
        "parentprocessid": "InitiatingProcessId",
        "parentuser": _XDR_ACCOUNT,
        "grandparentimage": "InitiatingProcessParentFileName",
    },
    entities={
        "Host.FullName": "DeviceName",
        "Host.MdatpDeviceId": "DeviceId",
        "Account.FullName": "iff(isempty(AccountDomain), AccountName, strcat(AccountDomain, @'\\', AccountName))",
        "Account.Sid": "AccountSid",
    },
    blind={**_NO_IMPHASH, "grandparentimage": "the folder of the grandparent's image"},
)

_MANDATORY_LABEL: Final = (
    "case(MandatoryLabel == 'S-1-16-4096', 'Low', MandatoryLabel == 'S-1-16-8192', 'Medium',"
    " MandatoryLabel == 'S-1-16-12288', 'High', MandatoryLabel == 'S-1-16-16384', 'System', MandatoryLabel)"
)
_SECURITY_ENTITIES: Final = {"Host.FullName": "Computer", "Account.FullName": "Account", "IP.Address": "IpAddress"}


def _security(where: str = "", **fields: str) -> Leg:
    named = {"computername": "Computer", "provider_name": "EventSourceName", **fields}
    return Leg("SecurityEvent", where, named, EventData.XML, entities=_SECURITY_ENTITIES)


_PROCESS_CREATED_4688: Final = replace(
    _security(
        "EventID == 4688", image="NewProcessName", parentimage="ParentProcessName", user="Account", processid="tolong(NewProcessId)",
        parentprocessid="tolong(ProcessId)", logonid="SubjectLogonId", integritylevel=_MANDATORY_LABEL,
    ),
    entities={"Host.FullName": "Computer", "Account.FullName": "Account"}, data=EventData.NONE,
)  # fmt: skip

_REGISTRY_PATH: Final = (
    "strcat(case(RegistryKey startswith @'HKEY_LOCAL_MACHINE\\', strcat('HKLM', substring(RegistryKey, 18)),"
    " RegistryKey startswith @'HKEY_CURRENT_USER\\', strcat('HKU', substring(RegistryKey, 17)),"
    " RegistryKey startswith @'HKEY_USERS\\', strcat('HKU', substring(RegistryKey, 10)),"
    " RegistryKey startswith @'HKEY_CLASSES_ROOT\\', strcat('HKCR', substring(RegistryKey, 17)), RegistryKey),"
    " iff(isempty(RegistryValueName), '', strcat(@'\\', RegistryValueName)))"
)
_REGISTRY_DATA: Final = (
    "case(RegistryValueType =~ 'Dword', strcat('DWORD (0x', tohex(tolong(RegistryValueData), 8), ')'),"
    " RegistryValueType =~ 'Qword', strcat('QWORD (0x', tohex(tolong(RegistryValueData) / 4294967296, 8), '-0x',"
    " tohex(tolong(RegistryValueData) % 4294967296, 8), ')'), RegistryValueType =~ 'Binary', 'Binary Data', RegistryValueData)"
)
_REGISTRY_EVENT: Final = (
    "case(ActionType == 'RegistryValueSet', 'SetValue', ActionType == 'RegistryKeyCreated', 'CreateKey',"
    " ActionType == 'RegistryKeyDeleted', 'DeleteKey', ActionType == 'RegistryValueDeleted', 'DeleteValue',"
    " ActionType == 'RegistryKeyRenamed', 'RenameKey', ActionType)"
)


def _xdr_registry(*actions: str) -> Leg:
    where = f"ActionType in ({', '.join(repr(action) for action in actions)})" if actions else ""
    return _xdr(
        "DeviceRegistryEvents", where, targetobject=_REGISTRY_PATH, details=_REGISTRY_DATA, eventtype=_REGISTRY_EVENT,
    )  # fmt: skip


_INBOUND: Final = "ActionType == 'InboundConnectionAccepted'"
_XDR_DNS: Final = _xdr(
    "DeviceEvents",
    "ActionType == 'DnsQueryResponse'",
    queryname="tostring(parse_json(AdditionalFields).DnsQueryString)",
    queryresults="tostring(parse_json(AdditionalFields).DnsQueryResult)",
)
_XDR_PIPE: Final = _xdr(
    "DeviceEvents",
    "ActionType == 'NamedPipeEvent'",
    pipename=r"replace_string(tostring(parse_json(AdditionalFields).PipeName), @'\Device\NamedPipe', '')",
)
_XDR_DRIVER: Final = _xdr(
    "DeviceEvents",
    "ActionType == 'DriverLoad'",
    hashes=True,
    imageloaded=r"iff(FolderPath endswith strcat(@'\', FileName), FolderPath, strcat(FolderPath, @'\', FileName))",
)
_XDR_NETWORK: Final = _xdr(
    "DeviceNetworkEvents",
    "ActionType in ('ConnectionSuccess', 'ConnectionAttempt', 'ConnectionFailed', 'ConnectionRequest', 'InboundConnectionAccepted')",
    sourceip=f"iff({_INBOUND}, RemoteIP, LocalIP)",
    destinationip=f"iff({_INBOUND}, LocalIP, RemoteIP)",
    sourceport=f"iff({_INBOUND}, RemotePort, LocalPort)",
    destinationport=f"iff({_INBOUND}, LocalPort, RemotePort)",
    destinationhostname="RemoteUrl",
    sourcehostname="DeviceName",
    initiated=f"iff({_INBOUND}, 'false', 'true')",
)


def _xdr_file(*actions: str) -> Leg:
    where = f"ActionType in ({', '.join(repr(action) for action in actions)})"
    return _xdr(
        "DeviceFileEvents", where, hashes=True, targetfilename="FolderPath", sourcefilename="PreviousFolderPath"
    )


def syslog(where: str = "", data: EventData = EventData.NONE) -> Leg:
    """The messages of syslog that meet a condition."""
    return Leg(
        "Syslog", where, {"message": "SyslogMessage", "hostname": "HostName"}, data, "SyslogMessage",
        entities={"Host.FullName": "Computer"},
    )  # fmt: skip


def _sysmon_for_linux(event: int) -> Leg:
    leg = syslog(f"ProcessName =~ 'sysmon' and SyslogMessage has '<EventID>{event}</EventID>'", EventData.XML)
    return replace(leg, columns=False, fields={"computer": "Computer"}, entities=_SYSMON_USER)


def processes(*names: str) -> Leg:
    """The messages of some processes."""
    return syslog(f"ProcessName in~ ({', '.join(repr(name) for name in names)})")


_SCRIPT_BLOCKS: Final = channel("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational")
_CLASSIC: Final = channel("Windows PowerShell")


def _only(legs: tuple[Leg, ...], event: int) -> tuple[Leg, ...]:
    return tuple(replace(leg, where=f"{leg.where} and EventID == {event}") for leg in legs)


SECURITY: Final = (_security(), _windows_event("Channel =~ 'Security'"))
SERVICES: Final = {
    "application": "Application",
    "applocker": "Microsoft-Windows-AppLocker/MSI and Script|Microsoft-Windows-AppLocker/EXE and DLL"
    "|Microsoft-Windows-AppLocker/Packaged app-Deployment|Microsoft-Windows-AppLocker/Packaged app-Execution",
    "appmodel-runtime": "Microsoft-Windows-AppModel-Runtime/Admin",
    "appxdeployment-server": "Microsoft-Windows-AppXDeploymentServer/Operational",
    "appxpackaging-om": "Microsoft-Windows-AppxPackaging/Operational",
    "bits-client": "Microsoft-Windows-Bits-Client/Operational",
    "bitlocker": "Microsoft-Windows-BitLocker/BitLocker Management",
    "capi2": "Microsoft-Windows-CAPI2/Operational",
    "certificateservicesclient-lifecycle-system": "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    "codeintegrity-operational": "Microsoft-Windows-CodeIntegrity/Operational",
    "diagnosis-scripted": "Microsoft-Windows-Diagnosis-Scripted/Operational",
    "dhcp": "Microsoft-Windows-DHCP-Server/Operational",
    "dns-client": "Microsoft-Windows-DNS Client Events/Operational",
    "dns-server": "DNS Server",
    "dns-server-analytic": "Microsoft-Windows-DNS-Server/Analytical",
    "dns-server-audit": "Microsoft-Windows-DNS-Server/Audit",
    "driver-framework": "Microsoft-Windows-DriverFrameworks-UserMode/Operational",
    "firewall-as": "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
    "hyper-v-worker": "Microsoft-Windows-Hyper-V-Worker",
    "iis-configuration": "Microsoft-IIS-Configuration/Operational",
    "kernel-event-tracing": "Microsoft-Windows-Kernel-EventTracing",
    "ldap": "Microsoft-Windows-LDAP-Client/Debug",
    "ldap_debug": "Microsoft-Windows-LDAP-Client/Debug",
    "lsa-server": "Microsoft-Windows-LSA/Operational",
    "microsoft-servicebus-client": "Microsoft-ServiceBus-Client",
    "msexchange-management": "MSExchange Management",
    "ntlm": "Microsoft-Windows-NTLM/Operational",
    "openssh": "OpenSSH/Operational",
    "powershell": "Microsoft-Windows-PowerShell/Operational|PowerShellCore/Operational",
    "powershell-classic": "Windows PowerShell",
    "printservice-admin": "Microsoft-Windows-PrintService/Admin",
    "printservice-operational": "Microsoft-Windows-PrintService/Operational",
    "security-mitigations": "Microsoft-Windows-Security-Mitigations/Kernel Mode|Microsoft-Windows-Security-Mitigations/User Mode",
    "sense": "Microsoft-Windows-SENSE/Operational",
    "shell-core": "Microsoft-Windows-Shell-Core/Operational",
    "smbclient-connectivity": "Microsoft-Windows-SmbClient/Connectivity",
    "smbclient-security": "Microsoft-Windows-SmbClient/Security",
    "smbserver-connectivity": "Microsoft-Windows-SMBServer/Connectivity",
    "sysmon": "Microsoft-Windows-Sysmon/Operational",
    "system": "System",
    "taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "terminalservices-localsessionmanager": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "vhdmp": "Microsoft-Windows-VHDMP/Operational",
    "windefend": "Microsoft-Windows-Windows Defender/Operational",
    "wmi": "Microsoft-Windows-WMI-Activity/Operational",
}

CATEGORIES: Final[dict[str, tuple[Leg, ...]]] = {
    "process_creation": (_XDR_PROCESS_EVENTS, _PROCESS_CREATED_4688, *_sysmon(1)),
    "process_termination": _sysmon(5),
    "process_access": _sysmon(10),
    "process_tampering": _sysmon(25),
    "file_change": _sysmon(2),
    "file_event": (_xdr_file("FileCreated"), *_sysmon(11)),
    "file_delete": (_xdr_file("FileDeleted"), *_sysmon(23, 26)),
    "file_rename": (_xdr_file("FileRenamed"),),
    "file_block_executable": _sysmon(27),
    "file_block_shredding": _sysmon(28),
    "file_executable_detected": _sysmon(29),
    "network_connection": (_XDR_NETWORK, *_sysmon(3)),
    "driver_load": (_XDR_DRIVER, *_sysmon(6)),
    "image_load": (_xdr("DeviceImageLoadEvents", hashes=True, imageloaded="FolderPath"), *_sysmon(7)),
    "create_remote_thread": _sysmon(8),
    "raw_access_thread": _sysmon(9),
    "registry_add": (_xdr_registry("RegistryKeyCreated"), *_sysmon(12)),
    "registry_delete": (_xdr_registry("RegistryKeyDeleted", "RegistryValueDeleted"), *_sysmon(12)),
    "registry_set": (_xdr_registry("RegistryValueSet"), *_sysmon(13)),
    "registry_rename": (_xdr_registry("RegistryKeyRenamed"), *_sysmon(14)),
    "registry_event": (_xdr_registry(), *_sysmon(12, 13, 14)),
    "create_stream_hash": _sysmon(15),
    "pipe_created": (_XDR_PIPE, *_sysmon(17, 18)),
    "wmi_event": _sysmon(19, 20, 21),
    "dns_query": (_XDR_DNS, *_sysmon(22)),
    "clipboard_capture": _sysmon(24),
    "sysmon_status": _sysmon(4, 16),
    "sysmon_error": _sysmon(255),
    "ps_module": _only(_SCRIPT_BLOCKS, 4103),
    "ps_script": _only(_SCRIPT_BLOCKS, 4104),
    "ps_classic_start": _only(_CLASSIC, 400),
    "ps_classic_provider_start": _only(_CLASSIC, 600),
    "ps_classic_script": _only(_CLASSIC, 800),
}
UNIX: Final[dict[str, tuple[Leg, ...]]] = {
    "process_creation": (_XDR_PROCESS_EVENTS, _sysmon_for_linux(1)),
    "network_connection": (_XDR_NETWORK, _sysmon_for_linux(3)),
    "file_event": (_xdr_file("FileCreated"), _sysmon_for_linux(11)),
    "file_delete": (_xdr_file("FileDeleted"), _sysmon_for_linux(23)),
}
