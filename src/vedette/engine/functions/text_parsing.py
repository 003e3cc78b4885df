"""Texts taken apart: URLs, paths, CSV records, command lines, versions."""

from __future__ import annotations

import decimal
import re
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar

if TYPE_CHECKING:
    import csv
else:
    csv = deferred("csv")

# -- URLs

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*)://(?:([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$",
    re.DOTALL,
)


def query_parameters(query: str) -> dict[str, str]:
    """The parameters of a query by name, in the order of their names; those without name or value are left out."""
    found = {}
    for piece in query.removeprefix("?").split("&"):
        name, _, value = piece.partition("=")
        if name and value:
            found[name] = value
    return dict(sorted(found.items()))


def parsed_url(url: str) -> dict[str, object]:
    """The parts of an absolute URL; of any other text all are empty."""
    match = _URL.match(url)
    scheme, user, host, port, path, query, fragment = match.groups("") if match else ("",) * 7
    name, _, password = user.partition(":")
    return {
        "Scheme": scheme,
        "Host": host,
        "Port": port,
        # a lone slash is what every URL without a path has
        "Path": "" if path == "/" and not query and not fragment else path,
        "Username": name,
        "Password": password,
        "Query Parameters": query_parameters(query),
        "Fragment": fragment[1:],
    }


def parsed_url_query(query: str) -> dict[str, object]:
    """The parameters of a URL's query."""
    return {"Query Parameters": query_parameters(query)}


scalar(
    "parse_url(url: string): dynamic",
    about="The parts of an absolute URL: scheme, host, port, path, user, password, query parameters, fragment.",
    page="parse-url-function",
    aliases=("parseurl",),
    kind="row",
)(parsed_url)
scalar(
    "parse_urlquery(query: string): dynamic",
    about="The parameters of a URL's query.",
    page="parse-url-query-function",
    aliases=("parseurlquery",),
    kind="row",
)(parsed_url_query)


# -- paths

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")
_ROOT = re.compile(r"(?:\\\\\?\\)?[A-Za-z]:[\\/]?")


def parsed_path(path: str) -> dict[str, str]:
    """The parts of a file's path, of Windows or not, with scheme and alternate data stream."""
    scheme = _SCHEME.match(path)
    rest = path[scheme.end() :] if scheme else path
    root = _ROOT.match(rest)
    start = root.end() if root else 0
    colon = rest.find(":", start)
    stream = ""
    if colon >= 0:
        rest, stream = rest[:colon], rest[colon + 1 :]
    cut = max(rest.rfind("\\"), rest.rfind("/"))
    directory, file = (rest[:cut], rest[cut + 1 :]) if cut >= 0 else ("", rest)
    if root and cut < start:
        directory, file = root[0].rstrip("\\/"), rest[start:]
    above = max(directory.rfind("\\"), directory.rfind("/"))
    folder = directory[above + 1 :]
    return {
        "Scheme": scheme[1] if scheme else "",
        "RootPath": root[0] if root else "",
        "DirectoryPath": directory,
        "DirectoryName": "" if folder.endswith(":") else folder,
        "Filename": file,
        "Extension": file.rpartition(".")[2] if "." in file else "",
        "AlternateDataStreamName": stream,
    }


scalar(
    "parse_path(path: string): dynamic",
    about="The parts of a file's path: scheme, root, directory, file name, extension, alternate data stream.",
    page="parse-path-function",
    kind="row",
)(parsed_path)


# -- CSV


def parsed_csv(text: str) -> list[str]:
    """The values of the first record of comma-separated text."""
    rows = csv.reader(text.splitlines(keepends=True), strict=False)
    try:
        return next(rows, [""])
    except csv.Error:
        return [text]


scalar(
    "parse_csv(csv_text: text): dynamic",
    about="The values of the first comma-separated record of a text.",
    page="parse-csv-function",
    names="first",
    kind="row",
)(parsed_csv)


# -- command lines


def windows_arguments(line: str) -> list[str]:
    """The arguments of a command line, by the rules of CommandLineToArgvW."""
    if not line:
        return []
    arguments: list[str] = []
    at = 0
    # the program's name: quotes hold it together, and backslashes mean nothing
    if line[0] == '"':
        end = line.find('"', 1)
        end = len(line) if end < 0 else end
        arguments.append(line[1:end])
        at = end + 1
    else:
        while at < len(line) and line[at] not in " \t":
            at += 1
        arguments.append(line[:at])
    while True:
        while at < len(line) and line[at] in " \t":
            at += 1
        if at >= len(line):
            return arguments
        argument, at = _windows_argument(line, at)
        arguments.append(argument)


def _windows_argument(line: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    # 1 inside of quotes; a third quote in a row is a quote itself, and then the text is outside of quotes again
    quotes = 0
    while at < len(line) and (quotes == 1 or line[at] not in " \t"):
        start = at
        while at < len(line) and line[at] == "\\":
            at += 1
        slashes = at - start
        if line[at : at + 1] != '"':
            out.append("\\" * slashes)
            if at < len(line) and (quotes == 1 or line[at] not in " \t"):
                out.append(line[at])
                at += 1
            continue
        out.append("\\" * (slashes // 2))
        if slashes % 2:
            out.append('"')
        else:
            quotes += 1
        at += 1
        while line[at : at + 1] == '"':
            quotes += 1
            if quotes == 3:
                out.append('"')
                quotes = 0
            at += 1
        if quotes == 2:
            quotes = 0
    return "".join(out), at


def _parser_fault(parser: str) -> str | None:
    return None if parser.lower() == "windows" else "The only parser of command lines is 'windows'"


def parsed_command_line(line: str, parser: str) -> list[str] | None:
    """The arguments of a command line by the rules of a parser; only Windows' are known."""
    return windows_arguments(line) if parser.lower() == "windows" else None


scalar(
    "parse_command_line(command: text, parser: string): dynamic",
    about="The arguments of a Windows command line.",
    page="parse-command-line-function",
    kind="row",
    checks={"parser": _parser_fault},
)(parsed_command_line)


# -- versions


def parsed_version(version: str) -> decimal.Decimal | None:
    """A version of one to four numbers of up to eight digits as one number that sorts as versions do; None for others.

    A first number of more than four digits leaves what a decimal holds, and gives null as well.
    """
    parts = version.strip().split(".")
    if len(parts) > 4 or not all(0 < len(part) <= 8 and part.isascii() and part.isdigit() for part in parts):
        return None
    digits = "".join(part.zfill(8) for part in [*parts, "0", "0", "0"][:4])
    return decimal.Decimal(digits)


scalar(
    "parse_version(version: string): decimal",
    about="A version of one to four numbers as a decimal that compares as versions do; null where it is none.",
    page="parse-version-function",
    kind="row",
)(parsed_version)
