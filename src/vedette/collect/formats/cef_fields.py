"""The extension keys of CEF and their columns in CommonSecurityLog, as data.

Sources: the CEF implementation standard (keys and their full names), Microsoft's mapping of CEF to CommonSecurityLog; where they
differ, the table's columns win.
"""

from __future__ import annotations

from typing import Final, NamedTuple

# key, full name (- is the key itself), type (s string, i int, l long, r real, t datetime), column, older column of 32 bits
_FIELDS: Final = """
act                          deviceAction                     s DeviceAction
app                          applicationProtocol              s ApplicationProtocol
c6a1                         deviceCustomIPv6Address1         s DeviceCustomIPv6Address1
c6a1Label                    deviceCustomIPv6Address1Label    s DeviceCustomIPv6Address1Label
c6a2                         deviceCustomIPv6Address2         s DeviceCustomIPv6Address2
c6a2Label                    deviceCustomIPv6Address2Label    s DeviceCustomIPv6Address2Label
c6a3                         deviceCustomIPv6Address3         s DeviceCustomIPv6Address3
c6a3Label                    deviceCustomIPv6Address3Label    s DeviceCustomIPv6Address3Label
c6a4                         deviceCustomIPv6Address4         s DeviceCustomIPv6Address4
c6a4Label                    deviceCustomIPv6Address4Label    s DeviceCustomIPv6Address4Label
cat                          deviceEventCategory              s DeviceEventCategory
cfp1                         deviceCustomFloatingPoint1       r DeviceCustomFloatingPoint1
cfp1Label                    deviceCustomFloatingPoint1Label  s DeviceCustomFloatingPoint1Label
cfp2                         deviceCustomFloatingPoint2       r DeviceCustomFloatingPoint2
cfp2Label                    deviceCustomFloatingPoint2Label  s DeviceCustomFloatingPoint2Label
cfp3                         deviceCustomFloatingPoint3       r DeviceCustomFloatingPoint3
cfp3Label                    deviceCustomFloatingPoint3Label  s DeviceCustomFloatingPoint3Label
cfp4                         deviceCustomFloatingPoint4       r DeviceCustomFloatingPoint4
cfp4Label                    deviceCustomFloatingPoint4Label  s DeviceCustomFloatingPoint4Label
cn1                          deviceCustomNumber1              l FieldDeviceCustomNumber1 DeviceCustomNumber1
cn1Label                     deviceCustomNumber1Label         s DeviceCustomNumber1Label
cn2                          deviceCustomNumber2              l FieldDeviceCustomNumber2 DeviceCustomNumber2
cn2Label                     deviceCustomNumber2Label         s DeviceCustomNumber2Label
cn3                          deviceCustomNumber3              l FieldDeviceCustomNumber3 DeviceCustomNumber3
cn3Label                     deviceCustomNumber3Label         s DeviceCustomNumber3Label
cnt                          baseEventCount                   i EventCount
cs1                          deviceCustomString1              s DeviceCustomString1
cs1Label                     deviceCustomString1Label         s DeviceCustomString1Label
cs2                          deviceCustomString2              s DeviceCustomString2
cs2Label                     deviceCustomString2Label         s DeviceCustomString2Label
cs3                          deviceCustomString3              s DeviceCustomString3
cs3Label                     deviceCustomString3Label         s DeviceCustomString3Label
cs4                          deviceCustomString4              s DeviceCustomString4
cs4Label                     deviceCustomString4Label         s DeviceCustomString4Label
cs5                          deviceCustomString5              s DeviceCustomString5
cs5Label                     deviceCustomString5Label         s DeviceCustomString5Label
cs6                          deviceCustomString6              s DeviceCustomString6
cs6Label                     deviceCustomString6Label         s DeviceCustomString6Label
destinationDnsDomain         -                                s DestinationDnsDomain
destinationServiceName       -                                s DestinationServiceName
destinationTranslatedAddress -                                s DestinationTranslatedAddress
destinationTranslatedPort    -                                i DestinationTranslatedPort
deviceCustomDate1            -                                s DeviceCustomDate1
deviceCustomDate1Label       -                                s DeviceCustomDate1Label
deviceCustomDate2            -                                s DeviceCustomDate2
deviceCustomDate2Label       -                                s DeviceCustomDate2Label
deviceDirection              -                                s CommunicationDirection
deviceDnsDomain              -                                s DeviceDnsDomain
deviceExternalId             -                                s DeviceExternalID
deviceFacility               -                                s DeviceFacility
deviceInboundInterface       -                                s DeviceInboundInterface
deviceNtDomain               -                                s DeviceNtDomain
deviceOutboundInterface      -                                s DeviceOutboundInterface
devicePayloadId              -                                s DevicePayloadId
deviceProcessName            -                                s ProcessName
deviceTranslatedAddress      -                                s DeviceTranslatedAddress
dhost                        destinationHostName              s DestinationHostName
dmac                         destinationMacAddress            s DestinationMACAddress
dntdom                       destinationNtDomain              s DestinationNTDomain
dpid                         destinationProcessId             i DestinationProcessId
dpriv                        destinationUserPrivileges        s DestinationUserPrivileges
dproc                        destinationProcessName           s DestinationProcessName
dpt                          destinationPort                  i DestinationPort
dst                          destinationAddress               s DestinationIP
dtz                          deviceTimeZone                   s DeviceTimeZone
duid                         destinationUserId                s DestinationUserID
duser                        destinationUserName              s DestinationUserName
dvc                          deviceAddress                    s DeviceAddress
dvchost                      deviceHostName                   s DeviceName
dvcmac                       deviceMacAddress                 s DeviceMacAddress
dvcpid                       deviceProcessId                  i ProcessID
end                          endTime                          t EndTime
externalId                   -                                s ExtID ExternalID
fileCreateTime               -                                s FileCreateTime
fileHash                     -                                s FileHash
fileId                       -                                s FileID
fileModificationTime         -                                s FileModificationTime
filePath                     -                                s FilePath
filePermission               -                                s FilePermission
fileType                     -                                s FileType
flexDate1                    -                                s FlexDate1
flexDate1Label               -                                s FlexDate1Label
flexNumber1                  -                                i FlexNumber1
flexNumber1Label             -                                s FlexNumber1Label
flexNumber2                  -                                i FlexNumber2
flexNumber2Label             -                                s FlexNumber2Label
flexString1                  -                                s FlexString1
flexString1Label             -                                s FlexString1Label
flexString2                  -                                s FlexString2
flexString2Label             -                                s FlexString2Label
fname                        filename                         s FileName
fsize                        fileSize                         i FileSize
in                           bytesIn                          l ReceivedBytes
msg                          message                          s Message
oldFileCreateTime            -                                s OldFileCreateTime
oldFileHash                  -                                s OldFileHash
oldFileId                    -                                s OldFileID
oldFileModificationTime      -                                s OldFileModificationTime
oldFileName                  -                                s OldFileName
oldFilePath                  -                                s OldFilePath
oldFilePermission            -                                s OldFilePermission
oldFileSize                  -                                i OldFileSize
oldFileType                  -                                s OldFileType
out                          bytesOut                         l SentBytes
outcome                      eventOutcome                     s EventOutcome
proto                        transportProtocol                s Protocol
reason                       -                                s Reason
request                      requestUrl                       s RequestURL
requestClientApplication     -                                s RequestClientApplication
requestContext               -                                s RequestContext
requestCookies               -                                s RequestCookies
requestMethod                -                                s RequestMethod
rt                           deviceReceiptTime                s ReceiptTime
shost                        sourceHostName                   s SourceHostName
smac                         sourceMacAddress                 s SourceMACAddress
sntdom                       sourceNtDomain                   s SourceNTDomain
sourceDnsDomain              -                                s SourceDnsDomain
sourceServiceName            -                                s SourceServiceName
sourceTranslatedAddress      -                                s SourceTranslatedAddress
sourceTranslatedPort         -                                i SourceTranslatedPort
spid                         sourceProcessId                  i SourceProcessId
spriv                        sourceUserPrivileges             s SourceUserPrivileges
sproc                        sourceProcessName                s SourceProcessName
spt                          sourcePort                       i SourcePort
src                          sourceAddress                    s SourceIP
start                        startTime                        t StartTime
suid                         sourceUserId                     s SourceUserID
suser                        sourceUserName                   s SourceUserName
type                         -                                i EventType
"""


class CefField(NamedTuple):
    """Where an extension goes: the column, its type's letter, and the older column beside it, if there is one."""

    column: str
    type: str
    also: str | None


def _read() -> tuple[dict[str, CefField], dict[str, str]]:
    fields: dict[str, CefField] = {}
    names: dict[str, str] = {}
    for line in _FIELDS.strip().splitlines():
        key, full, letter, column, *also = line.split()
        fields[key] = CefField(column, letter, also[0] if also else None)
        if full != "-":
            fields.setdefault(full, fields[key])
            names[key] = full
    return fields, names


FIELDS, FULL_NAMES = _read()
"""By key or full name: the column; by key: its full name."""

_FREE: Final = (
    "msg reason request requestClientApplication requestContext requestCookies fname filePath oldFileName oldFilePath "
    "cs1 cs2 cs3 cs4 cs5 cs6 flexString1 flexString2"
).split()
FREE_TEXT: Final = frozenset(_FREE) | {FULL_NAMES[key] for key in _FREE if key in FULL_NAMES}
"""Keys and full names of those whose values may end with spaces, as the standard says. Those of others are compared by rules, and what
a sender pads them with is no part of them."""

TEXT_COLUMNS: Final = {key: field.column for key, field in FIELDS.items() if field.type == "s"}
"""By key or full name: the column, of those that hold text as it was sent."""
