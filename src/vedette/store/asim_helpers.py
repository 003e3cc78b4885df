"""The functions with which parsers of the Advanced Security Information Model are written (`_ASIM_…`): every workspace of Microsoft
Sentinel has them.

Names, parameters and columns: the folder ASIM/lib/functions of github.com/Azure/Azure-Sentinel. Numbers: IANA's registries of protocol
numbers, ICMP types, and DNS resource record types and response codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PROTOCOLS: Final = """
0 HOPOPT ICMP IGMP GGP IPv4 ST TCP CBT EGP IGP BBN-RCC-MON NVP-II PUP ARGUS_(deprecated) EMCON XNET CHAOS UDP MUX DCN-MEAS HMP PRM
22 XNS-IDP TRUNK-1 TRUNK-2 LEAF-1 LEAF-2 RDP IRTP ISO-TP4 NETBLT MFE-NSP MERIT-INP DCCP 3PC IDPR XTP DDP IDPR-CMTP TP++ IL IPv6 SDRP
43 IPv6-Route IPv6-Frag IDRP RSVP GRE DSR BNA ESP AH I-NLSP SWIPE_(deprecated) NARP MOBILE TLSP SKIP IPv6-ICMP IPv6-NoNxt IPv6-Opts
62 CFTP
64 SAT-EXPAK KRYPTOLAN RVD IPPC
69 SAT-MON VISA IPCV CPNX CPHB WSN PVP BR-SAT-MON SUN-ND WB-MON WB-EXPAK ISO-IP VMTP SECURE-VMTP VINES TTP NSFNET-IGP DGP TCF EIGRP
89 OSPFIGP Sprite-RPC LARP MTP AX.25 IPIP MICP_(deprecated) SCC-SP ETHERIP ENCAP
100 GMTP IFMP PNNI PIM ARIS SCPS QNX A/N IPComp SNP Compaq-Peer IPX-in-IP VRRP PGM
115 L2TP DDX IATP STP SRP UTI SMP SM_(deprecated) PTP ISIS_over_IPv4 FIRE CRTP CRUDP SSCOPMCE IPLT SPS PIPE SCTP FC RSVP-E2E-IGNORE
135 Mobility_Header UDPLite MPLS-in-IP manet HIP Shim6 WESP ROHC Ethernet
255 Reserved
"""
_ICMP: Final = """
0 Echo_Reply
3 Destination_Unreachable Source_Quench_(Deprecated) Redirect Alternate_Host_Address_(Deprecated)
8 Echo Router_Advertisement Router_Solicitation Time_Exceeded Parameter_Problem Timestamp Timestamp_Reply
15 Information_Request_(Deprecated) Information_Reply_(Deprecated) Address_Mask_Request_(Deprecated) Address_Mask_Reply_(Deprecated)
19 Reserved_(for_Security)
30 Traceroute_(Deprecated) Datagram_Conversion_Error_(Deprecated) Mobile_Host_Redirect_(Deprecated) IPv6_Where-Are-You_(Deprecated)
34 IPv6_I-Am-Here_(Deprecated) Mobile_Registration_Request_(Deprecated) Mobile_Registration_Reply_(Deprecated)
37 Domain_Name_Request_(Deprecated) Domain_Name_Reply_(Deprecated) SKIP_(Deprecated) Photuris
41 ICMP_messages_utilized_by_experimental_mobility_protocols_such_as_Seamoby Extended_Echo_Request Extended_Echo_Reply
253 RFC3692-style_Experiment_1 RFC3692-style_Experiment_2 Reserved
"""
_RECORDS: Final = """
0 Reserved A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX GPOS AAAA LOC NXT
31 EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA
55 HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC
99 SPF UINFO UID GID UNSPEC NID L32 L64 LP EUI48 EUI64
249 TKEY TSIG IXFR AXFR MAILB MAILA All URI CAA AVC DOA
32768 TA DLV
65535 Reserved
"""
_RESPONSES: Final = """
0 NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE DSOTYPENI
16 BADVERS BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC BADCOOKIE
"""
_PRIVATE_RECORDS: Final = "65280 .. 65534"
_PRIVATE_RESPONSES: Final = "3841 .. 4095"


def _bag(table: str) -> str:
    """A table of names, each line from a number on, as a bag in KQL."""
    entries = []
    for line in table.split("\n"):
        first, *given = line.split() or ("0",)
        entries += [f'"{int(first) + at}":"{name.replace("_", " ")}"' for at, name in enumerate(given)]
    return f"dynamic({{{','.join(entries)}}})"


def _name(table: str, number: str, private: str = "") -> str:
    """The name of a number: its own, that of a private range, or that it has none."""
    reserved = f"{number} between ({private}), 'Reserved for Private Use', " if private else ""
    found = f"tostring({_bag(table)}[tostring({number})])"
    return f"case(isnotempty({found}), {found}, {reserved}'Unassigned')"


def _resolved(number: str, name: str, table: str, private: str = "") -> str:
    return f"T | extend {number} = toint(column_ifexists(field, 0)) | extend {name} = {_name(table, number, private)}"


_OF_TABLE: Final = "T: (*), field: string"
_USER: Final = "username: string, sid: string"
_USER_TYPE: Final = """case(
    sid startswith 'S-1-5-80', 'Service',
    sid startswith 'S-1-5-21' and sid endswith '-500', 'Admin',
    sid startswith 'S-1-5-21' and sid endswith '-501', 'Guest',
    sid startswith 'S-1-5-21' and sid endswith '-502', 'Service',
    sid startswith 'S-1-5-21' and username contains 'admin', 'Admin',
    username endswith '$', 'Machine',
    sid startswith 'S-1-5-21', 'Regular',
    sid == 'S-1-5-113', 'Other',
    sid == 'S-1-5-7', 'Anonymous',
    sid == 'S-1-5-18', 'System',
    sid in ('S-1-5-17', 'S-1-5-19', 'S-1-5-20'), 'Service',
    isempty(username), '',
    'Other')"""
_FQDN: Final = """T
| extend ExtractedHostname = tostring(column_ifexists(field, ''))
| extend
    Domain = iff(ExtractedHostname contains '.', substring(ExtractedHostname, indexof(ExtractedHostname, '.') + 1), ''),
    FQDN = iff(ExtractedHostname contains '.', ExtractedHostname, ''),
    DomainType = iff(ExtractedHostname contains '.', 'FQDN', '')
| extend ExtractedHostname = tostring(split(ExtractedHostname, '.')[0])"""


def _of(prefix: str) -> str:
    """A name resolved into the columns of one role."""
    renamed = ", ".join(f"{prefix}{name} = {name}" for name in ("Domain", "FQDN", "DomainType"))
    return f"T | invoke _ASIM_ResolveFQDN(field) | project-rename {prefix}Hostname = ExtractedHostname, {renamed}"


FUNCTIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "_ASIM_GetUsernameType": ("username: string", """case(
    username contains '@', 'UPN',
    username contains @'\\', 'Windows',
    username has 'CN=' or username has 'OU=' or username has 'DC=', 'DN',
    isempty(username), '',
    'Simple')"""),
    "_ASIM_GetUserType": (_USER, _USER_TYPE),
    "_ASIM_GetWindowsUserType": (_USER, _USER_TYPE),
    "_ASIM_LookupDnsQueryType": ("QueryType: int", _name(_RECORDS, "QueryType", _PRIVATE_RECORDS)),
    "_ASIM_LookupDnsResponseCode": ("ResponseCode: int", _name(_RESPONSES, "ResponseCode", _PRIVATE_RESPONSES)),
    "_ASIM_LookupICMPType": ("IcmpCode: int", _name(_ICMP, "IcmpCode")),
    "_ASIM_LookupNetworkProtocol": ("NetworkProtocol: int", _name(_PROTOCOLS, "NetworkProtocol")),
    "_ASIM_ResolveDnsQueryType": (_OF_TABLE, _resolved("DnsQueryType", "DnsQueryTypeName", _RECORDS, _PRIVATE_RECORDS)),
    "_ASIM_ResolveDnsResponseCode": (
        _OF_TABLE, _resolved("DnsResponseCode", "DnsResponseCodeName", _RESPONSES, _PRIVATE_RESPONSES),
    ),
    "_ASIM_ResolveICMPType": (_OF_TABLE, _resolved("NetworkIcmpCode", "NetworkIcmpType", _ICMP)),
    "_ASIM_ResolveNetworkProtocol": (_OF_TABLE, _resolved("NetworkProtocolNumber", "NetworkProtocol", _PROTOCOLS)),
    "_ASIM_ResolveFQDN": (_OF_TABLE, _FQDN),
    "_ASIM_ResolveSrcFQDN": (_OF_TABLE, _of("Src")),
    "_ASIM_ResolveDstFQDN": (_OF_TABLE, _of("Dst")),
    "_ASIM_ResolveDvcFQDN": (_OF_TABLE, _of("Dvc")),
})  # fmt: skip
"""Name → its parameters and its body."""
