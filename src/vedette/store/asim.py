"""The unifying parsers of the Advanced Security Information Model: `_Im_Dns(...)`, `imFileEvent`, `_ASim_Authentication` …

Each is a function in KQL, made from the schema's facts: no rows with the schema's columns, united with the normalised table of
the schema and with every source parser that the workspace has saved. A saved function is a source parser by its name: `vim`,
`ASim`, `_Im_` or `_ASim_`, the schema, and the product. Where a product has both, the one with parameters (`vim`) is used.

Schemas and parameters: Microsoft Sentinel's ASIM pages; the data file is written by `tools/build_asim.py`.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from vedette.kql.host import SavedFunction
from vedette.store import catalog
from vedette.store.compiling import compiled

DATA_FILE: Final = Path(__file__).with_name("data") / "asim.gz"
_PREFIXES: Final = ("_Im_", "_ASim_", "im", "ASim", "Im", "_im_")
_SOURCE: Final = re.compile(r"(_Im_|_im_|vim|_ASim_|ASim)(.+)")
_TABLES: Final = {"Dns": "ASimDnsActivityLogs", "UserManagement": "ASimUserManagementActivityLogs"}

_ALIASES: Final = {
    "DnsResponseCodeName": "EventResultDetails", "Domain": "DnsQuery", "IpAddr": "SrcIpAddr", "Src": "SrcIpAddr",
    "Dst": "DstIpAddr", "Rule": "RuleName", "UserAgent": "HttpUserAgent", "CommandLine": "TargetProcessCommandLine",
    "FilePath": "TargetFilePath", "FileName": "TargetFileName",
}  # fmt: skip
"""Columns that the schemas have under a second name; normalised tables have the first alone."""
_HASHES = tuple(
    f"{where}{kind}"
    for where in ("TargetFile", "SrcFile", "TargetProcess", "ActingProcess", "ParentProcess", "File")
    for kind in ("MD5", "SHA1", "SHA256", "SHA512", "IMPHASH")
)
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "srcipaddr": ("SrcIpAddr",), "domain": ("DnsQuery",), "responsecodename": ("EventResultDetails", "DnsResponseCodeName"),
    "response": ("DnsResponseName",), "eventtype": ("EventType",), "dstipaddr": ("DstIpAddr",),
    "ipaddr": ("SrcIpAddr", "DstIpAddr", "IpAddr", "DvcIpAddr"),
    "hostname": ("SrcHostname", "DstHostname", "Hostname", "DvcHostname"), "dvcaction": ("DvcAction",),
    "eventresult": ("EventResult",), "url": ("Url",), "httpuseragent": ("HttpUserAgent",),
    "eventresultdetails": ("EventResultDetails",), "username": ("TargetUsername", "ActorUsername", "Username"),
    "targetappname": ("TargetAppName",), "srchostname": ("SrcHostname",), "targetusername": ("TargetUsername",),
    "actorusername": ("ActorUsername",), "commandline": ("TargetProcessCommandLine",),
    "actingprocess": ("ActingProcessName",), "targetprocess": ("TargetProcessName",),
    "parentprocess": ("ParentProcessName",), "dvcipaddr": ("DvcIpAddr",), "dvchostname": ("DvcHostname",),
    "dvcname": ("DvcHostname", "Dvc"), "hashes": _HASHES, "targetfilepath": ("TargetFilePath",),
    "srcfilepath": ("SrcFilePath",), "registrykey": ("RegistryKey",), "registryvalue": ("RegistryValue",),
    "registrydata": ("RegistryValueData",), "registryvaluedata": ("RegistryValueData",), "operation": ("Operation",),
    "object": ("Object",), "newvalue": ("NewValue",), "srcusername": ("SrcUsername",),
    "attacktactics": ("AttackTactics",), "attacktechniques": ("AttackTechniques",),
    "threatcategory": ("ThreatCategory",), "alertverdict": ("AlertVerdict",), "eventseverity": ("EventSeverity",),
}  # fmt: skip
"""The columns that a filtering parameter looks at, by the parameter's name without what it does with them."""

_Test = Callable[[str, str], str]
_TESTS: Final[tuple[tuple[str, str, _Test], ...]] = (
    ("_has_any_ip_prefix", "array_length({0}) == 0", lambda column, name: f"has_any_ipv4_prefix({column}, {name})"),
    ("_has_any_prefix", "array_length({0}) == 0", lambda column, name: f"has_any_ipv4_prefix({column}, {name})"),
    ("_has_any", "array_length({0}) == 0", lambda column, name: f"{column} has_any ({name})"),
    ("_has_all", "array_length({0}) == 0", lambda column, name: f"{column} has_all ({name})"),
    ("_has_ipv4", "{0} == '*'", lambda column, name: f"has_ipv4({column}, {name})"),
    ("_has", "{0} == '*'", lambda column, name: f"{column} has {name}"),
    ("_in", "array_length({0}) == 0", lambda column, name: f"{column} in~ ({name})"),
)
"""By a parameter's ending: when it filters nothing, and its test of a column."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema of the model, with the parameters of its unifying parsers as KQL and the names that it goes by there."""

    name: str
    columns: Mapping[str, str]
    parameters: str
    names: tuple[str, ...]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return tuple(re.findall(r"(\w+)\s*:\s*\w+", self.parameters))


@functools.cache
def schemas() -> Mapping[str, Schema]:
    """Every schema by its name."""
    held = json.loads(gzip.decompress(DATA_FILE.read_bytes()))
    return {name: Schema(name, one["columns"], one["parameters"], tuple(one["names"])) for name, one in held.items()}


@functools.cache
def _unifying() -> Mapping[str, tuple[Schema, str]]:
    return {
        prefix + short: (schema, short)
        for schema in schemas().values()
        for short in schema.names
        for prefix in _PREFIXES
    }


def names() -> Iterable[str]:
    """The names of the unifying parsers."""
    return _unifying()


def unifying(
    name: str, saved: Callable[[], Sequence[str]], parameters_of: Callable[[str], Sequence[str]]
) -> SavedFunction | None:
    """The unifying parser of that name, or None.

    `saved` gives the names of the workspace's functions, `parameters_of` the parameters of one of them.
    """
    found = _unifying().get(name)
    if found is None:
        return None
    schema, short = found
    parsers = tuple((one, tuple(parameters_of(one))) for one in sources(schema, saved()))
    return replace(compiled(name, schema.parameters, _body(schema, short, parsers)), open=True)


def sources(schema: Schema, functions: Iterable[str]) -> list[str]:
    """Those of a workspace's functions that are source parsers of a schema; of a product's two the one with parameters."""
    chosen: dict[str, tuple[bool, str]] = {}
    longest = sorted((short for one in schemas().values() for short in one.names), key=len, reverse=True)
    for name in sorted(functions):
        match = _SOURCE.fullmatch(name)
        if match is None or name in _unifying():
            continue
        rest = match[2]
        short = next((one for one in longest if rest.startswith(one)), None)
        if short is None or short not in schema.names:
            continue
        product = rest[len(short) :].strip("_").lower()
        if not product or product == "empty":
            continue
        filters = match[1] in ("_Im_", "_im_", "vim")
        held = chosen.get(product)
        if held is None or (filters and not held[0]):
            chosen[product] = (filters, name)
    return [name for _, name in chosen.values()]


@functools.lru_cache(maxsize=256)
def _body(schema: Schema, short: str, parsers: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    declared = ", ".join(f"{column}: {kind}" for column, kind in schema.columns.items())
    parts = [f"(datatable({declared})[])"]
    table = _TABLES.get(schema.name, f"ASim{schema.name}Logs")
    if catalog.is_known(table):
        parts.append(f"({table}{_aligned(schema, table)})")
    for name, takes in parsers:
        given = [one for one in schema.parameter_names if one in takes and one != "disabled"]
        parts.append(f"({name}({', '.join(f'{one}={one}' for one in given)}))")
    lines = [f"union\n    {(',' + chr(10) + '    ').join(parts)}", "| where not(disabled)"]
    lines += [f"| where {condition}" for condition in _conditions(schema, short)]
    return "\n".join(lines)


def _aligned(schema: Schema, table: str) -> str:
    """Converts those columns of the normalised table whose type is not the schema's, and adds the schema's aliases."""
    fields = catalog.schema(table) or ()
    there = {field.name for field in fields}
    other = [field for field in fields if schema.columns.get(field.name, field.type.value) != field.type.value]
    made = [f"{one.name} = to{schema.columns[one.name]}({one.name})" for one in other]
    made += [
        f"{alias} = {column}"
        for alias, column in _ALIASES.items()
        if alias in schema.columns and alias not in there and column in there
    ]
    return f" | extend {', '.join(made)}" if made else ""


def _conditions(schema: Schema, short: str) -> list[str]:
    found = []
    for name in schema.parameter_names:
        if name in ("starttime", "endtime"):
            found.append(f"isnull({name}) or TimeGenerated {'>=' if name == 'starttime' else '<='} {name}")
        elif name == "dstportnumber":
            found.append("isnull(dstportnumber) or DstPortNumber == dstportnumber")
        elif name not in ("disabled", "pack"):
            found.append(_condition(schema, name))
    if short in ("ProcessCreate", "ProcessTerminate"):
        words = ("ProcessCreated", "Created") if short == "ProcessCreate" else ("ProcessTerminated", "Terminated")
        found.append(f"EventType in~ ({', '.join(repr(word) for word in words)})")
    return found


def _condition(schema: Schema, name: str) -> str:
    for ending, off, test in _TESTS:
        if name.endswith(ending):
            return _either(schema, name, name.removesuffix(ending), off, test)
    if name in ("srcipaddr", "dvcaction"):  # lists, though their names do not say so
        return _either(schema, name, name, "array_length({0}) == 0", lambda column, list_: f"{column} in~ ({list_})")
    if name == "eventtype" and schema.name == "Dns":
        return "eventtype == '*' or EventType =~ iff(eventtype =~ 'lookup', 'Query', eventtype)"
    return _either(schema, name, name, "{0} == '*'", lambda column, value: f"{column} =~ {value}")


def _either(schema: Schema, name: str, stem: str, off: str, test: _Test) -> str:
    columns = [column for column in _COLUMNS[stem] if column in schema.columns]
    return " or ".join([off.format(name), *(test(column, name) for column in columns)])
