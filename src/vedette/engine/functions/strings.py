"""Strings: length, parts, joining, case and replacement (rules 22 to 28). Positions count characters from 0."""

from __future__ import annotations

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type

_LONGEST = 2**31
"""More characters than any text has."""


@scalar(
    "strlen(string: text): long", about="How many characters a string has.", page="strlen-function", names="prefix:",
    nulls="total",
)  # fmt: skip
def strlen(sql: DuckDbSql, text: Fragment) -> str:
    return f"length({text})"


@scalar(
    "string_size(string: text): long",
    about="How many bytes a string takes in UTF-8.",
    page="string-size-function",
    names="prefix:",
    nulls="total",
)
def string_size(sql: DuckDbSql, text: Fragment) -> str:
    return f"strlen({text})"


# -- case and order


@scalar("toupper(value: any): string", about="The text in upper case.", page="toupper-function", nulls="total")
def toupper(sql: DuckDbSql, value: Fragment) -> str:
    text = sql.tostring(value)
    # a letter never becomes another number of letters: sharp s stays as it is
    kept = f"replace(upper(replace({text}, 'ß', chr(1))), chr(1), 'ß')"
    return f"CASE WHEN contains({text}, 'ß') THEN {kept} ELSE upper({text}) END"


@scalar("tolower(value: any): string", about="The text in lower case.", page="tolower-function", nulls="total")
def tolower(sql: DuckDbSql, value: Fragment) -> str:
    return f"lower({sql.tostring(value)})"


@scalar(
    "strcmp(s1: any, s2: any): long", about="-1, 0 or 1 as the first text sorts before, with or after the second.",
    page="strcmp-function", nulls="total",
)  # fmt: skip
def strcmp(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    a, b = sql.tostring(left), sql.tostring(right)
    return f"CAST(CASE WHEN {a} < {b} THEN -1 WHEN {a} > {b} THEN 1 ELSE 0 END AS BIGINT)"


def reversed_text(text: str) -> str:
    """The characters of a text from the last to the first."""
    return text[::-1]


@scalar("reverse(value: any): string", about="The characters of the text from the last to the first.", page="reverse-function",
        nulls="total")  # fmt: skip
def reverse(sql: DuckDbSql, value: Fragment) -> str:
    text = sql.tostring(value)
    # the database reverses what a reader sees as characters; beyond ASCII that is not the same as code points
    exact = sql.row("reversed_text", reversed_text, Type.STRING, text)
    return f"CASE WHEN length({text}) = strlen({text}) THEN reverse({text}) ELSE {exact} END"


# -- parts


@scalar(
    "substring(string: any, start: integer, length?: integer): string",
    about="Part of a text from a position, to its end or for a length; a negative start counts from the end.",
    page="substring-function",
)
def substring(sql: DuckDbSql, value: Fragment, start: Fragment, length: Fragment | None = None) -> str:
    text = sql.tostring(value)
    # what lies beyond every text is the same wherever it lies
    if isinstance(start.value, int):
        number = max(min(start.value, _LONGEST), -_LONGEST)
        first = f"{number + 1}" if number >= 0 else f"length({text}) + {number + 1}"
        before = "" if number >= 0 else f"length({text}) < {-number}"
    else:
        first = f"CASE WHEN {start} < 0 THEN length({text}) + {start} ELSE least({start}, {_LONGEST}) END + 1"
        before = f"{start} < -length({text})"
    if length is None:
        part = f"substring({text}, {first})"
    elif isinstance(length.value, int):
        part = f"substring({text}, {first}, {min(length.value, _LONGEST)})" if length.value > 0 else "''"
    else:
        part = f"substring({text}, {first}, greatest(least({length}, {_LONGEST}), 0))"
    return f"CASE WHEN {before} THEN '' ELSE {part} END" if before else part


def _place(index: Fragment) -> str:
    """The number of an element of a SQL list; the engine counts from 1."""
    return f"(CAST(least({index}, {_LONGEST}) AS BIGINT) + 1)"


def _split_part(sql: DuckDbSql, index: int, value: Fragment, delimiter: Fragment, *rest: Fragment) -> str:
    """The text of one part; null where there is none."""
    parts = _parts(sql.tostring(value), delimiter)
    if rest:
        # a single part was asked for: it is the array's only element
        place = _place(rest[0])
        parts = f"CASE WHEN {rest[0]} >= 0 THEN list_slice({parts}, {place}, {place}) END"
    return f"list_extract({parts}, {index + 1 if index >= 0 else index})"


def _parts(text: Fragment, delimiter: Fragment) -> str:
    if delimiter.constant:
        return f"string_split({text}, {delimiter})" if delimiter.value else f"[{text}]"
    return f"CASE WHEN {delimiter} = '' THEN [{text}] ELSE string_split({text}, {delimiter}) END"


@scalar(
    "split(source: any, delimiter: string, requestedIndex?: integer): dynamic",
    about="The parts of a text between delimiters; with an index only that part, in an array, or null where there is none.",
    page="split-function",
    names="first",
    nulls="own",
    part=_split_part,
)
def split(sql: DuckDbSql, value: Fragment, delimiter: Fragment, index: Fragment | None = None) -> str:
    parts = _parts(sql.tostring(value), delimiter)
    if index is not None:
        place = _place(index)
        parts = f"list_slice({parts}, {place}, {place})"
        return f"CASE WHEN {index} >= 0 THEN nullif(CAST(to_json({parts}) AS VARCHAR), '[]') END"
    return f"CAST(to_json({parts}) AS VARCHAR)"


# -- joining


@scalar(
    "strcat(arg: any...): string",
    about="The texts of all arguments, one after the other.",
    page="strcat-function",
    nulls="total",
)
def strcat(sql: DuckDbSql, *values: Fragment) -> str:
    return f"({' || '.join(sql.tostring(value).sql for value in values)})"


@scalar(
    "strcat_delim(delimiter: any, first: any, rest: any...): string",
    about="The texts of all further arguments with a delimiter between them.",
    page="strcat-delim-function",
    nulls="total",
)
def strcat_delim(sql: DuckDbSql, delimiter: Fragment, *values: Fragment) -> str:
    between = f" || {sql.tostring(delimiter)} || "
    return f"({between.join(sql.tostring(value).sql for value in values)})"


@scalar(
    "strcat_array(array: array, delimiter: any): string",
    about="The texts of an array's elements with a delimiter between them; a null element is an empty text.",
    page="strcat-array-function",
    aliases=("array_strcat",),
)
def strcat_array(sql: DuckDbSql, array: Fragment, delimiter: Fragment) -> str:
    texts = f"list_transform({sql.texts(array)}, lambda e: coalesce(e, ''))"
    between = sql.tostring(delimiter)
    if delimiter.constant:
        joined = f"array_to_string({texts}, {between})"
    else:
        joined = f"list_reduce({texts}, lambda a, b: a || {between} || b)"
    return f"CASE WHEN json_array_length({array}) > 0 THEN {joined} ELSE '' END"


@scalar(
    "strrep(value: any, multiplier: long, delimiter?: any): string",
    about="The text so many times (at most 1,024), with a delimiter between.",
    page="strrep-function",
)
def strrep(sql: DuckDbSql, value: Fragment, multiplier: Fragment, delimiter: Fragment | None = None) -> str:
    text = sql.tostring(value)
    times = f"least({multiplier}, 1024)"
    if delimiter is None:
        return f"repeat({text}, greatest({times}, 0))"
    more = f"repeat({sql.tostring(delimiter)} || {text}, {times} - 1)"
    return f"CASE WHEN {multiplier} >= 1 THEN {text} || {more} ELSE '' END"


# -- replacement


@scalar(
    "replace_string(text: string, lookup: string, rewrite: string): string",
    about="The text with every occurrence of a string replaced.",
    page="replace-string-function",
    nulls="total",
)
def replace_string(sql: DuckDbSql, text: Fragment, lookup: Fragment, rewrite: Fragment) -> str:
    return f"replace({text}, {lookup}, {rewrite})"


def replaced_strings(text: str, lookups: object, rewrites: object) -> str | None:
    """The text with each lookup replaced by the rewrite beside it.

    An earlier lookup goes before a later one, wherever the two stand in the text, and what one has matched is closed
    to those after it, also where its rewrite is no string and the match stays. Null where the arrays do not pair up.
    """
    if not isinstance(lookups, list) or not isinstance(rewrites, list) or len(lookups) != len(rewrites):
        return None
    parts = [(text, True)]
    for lookup, rewrite in zip(lookups, rewrites, strict=True):
        if not isinstance(lookup, str) or not lookup or not any(lookup in part for part, open_ in parts if open_):
            continue
        matched = (rewrite if isinstance(rewrite, str) else lookup, False)
        cut: list[tuple[str, bool]] = []
        for part, open_ in parts:
            if not open_:
                cut.append((part, False))
                continue
            first, *others = part.split(lookup)
            cut.append((first, True))
            for other in others:
                cut += (matched, (other, True))
        parts = cut
    return "".join(part for part, _ in parts)


@scalar(
    "replace_strings(text: string, lookups: array, rewrites: array): string",
    about="The text with each string of one array, earlier ones first, replaced by that beside it in the other.",
    page="replace-strings-function",
    kind="row",
)
def replace_strings(text: str, lookups: object, rewrites: object) -> str | None:
    return replaced_strings(text, lookups, rewrites)


@scalar(
    "translate(searchList: string, replacementList: string, source: string): string",
    about="The source with each character of one list replaced by that at its place in the other.",
    page="translate-function",
    kind="row",
)
def translate(search: str, replacement: str, source: str) -> str:
    if not replacement:
        table = {ord(character): None for character in search}
        return source.translate(table)
    padded = replacement.ljust(len(search), replacement[-1])
    return source.translate({ord(a): b for a, b in reversed(list(zip(search, padded, strict=False)))})
