"""Strings by regular expressions: extraction, replacement, trimming, counting (rules 24, 25 and 27)."""

from __future__ import annotations

from vedette.engine import regex
from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql.types import Type


def _fault(pattern: object) -> str | None:
    """What is wrong with a pattern; one that is no text yet is looked at when it has become one."""
    return regex.fault(pattern) if isinstance(pattern, str) else None


_CHECK = {"regex": _fault}
_MOST_GROUPS = 9
"""The database extracts no group beyond this one."""


# -- extraction


def extracted(pattern: str, group: int, text: str) -> str | None:
    """The first match of a group; None where there is none."""
    found = regex.compiled(pattern, text.isascii())
    match = found.search(text) if found is not None and 0 <= group <= found.groups else None
    return match.group(group) if match else None


@scalar(
    "extract(regex: string, captureGroup: long, source: string): string",
    "extract(regex: string, captureGroup: long, source: string, typeLiteral: type): typeof(typeLiteral)",
    about="The first match of a capture group (0 is the whole match), also as a value of a type.",
    page="extract-function",
    nulls="own",
    checks=_CHECK,
)
def extract(
    sql: DuckDbSql, pattern: Fragment, group: Fragment, source: Fragment, type_: Fragment | None = None
) -> Fragment | str:
    wanted = type_.type if type_ is not None else Type.STRING
    number = group.value
    if pattern.constant and isinstance(number, int) and number > regex.group_count(str(pattern.value)):
        return sql.literal(None, wanted)
    if pattern.constant and isinstance(number, int) and 0 <= number <= _MOST_GROUPS:
        found = regex.by_alphabet(
            source, str(pattern.value), lambda p: f"regexp_extract({source}, {sql.quote(p)}, {number})"
        )
        text = Fragment(found, Type.STRING, False)
    else:
        row = sql.row("extracted", extracted, Type.STRING, pattern, group, source)
        text = Fragment(f"coalesce({row}, '')", Type.STRING, False)
    return sql.cast(text, wanted)


def extracted_all(pattern: str, text: str) -> list[object] | None:
    """Every match of every group: an array of texts for one group, of arrays for more; None without a match."""
    found = regex.compiled(pattern)
    return None if found is None else _matches(pattern, list(range(1, found.groups + 1)), text)


def extracted_groups(pattern: str, groups: object, text: str) -> list[object] | None:
    """Every match of chosen groups, by number or name."""
    found = regex.compiled(pattern)
    if found is None:
        return None
    return _matches(pattern, _chosen(pattern, groups), text)


def _chosen(pattern: str, groups: object) -> list[int]:
    count, names = regex.group_count(pattern), regex.group_names(pattern)
    if not isinstance(groups, list) or not groups:
        return list(range(1, count + 1))
    numbers = [names.get(group, -1) if isinstance(group, str) else group for group in groups]
    return [n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= count]


def _matches(pattern: str, numbers: list[int], text: str) -> list[object] | None:
    found = regex.compiled(pattern, text.isascii())
    if found is None or not numbers:
        return None
    rows: list[object] = []
    for match in found.finditer(text):
        texts = [match.group(number) or "" for number in numbers]
        rows.append(texts[0] if len(texts) == 1 else texts)
    return rows or None


@scalar(
    "extract_all(regex: string, source: string): dynamic",
    "extract_all(regex: string, captureGroups: dynamic, source: string): dynamic",
    about="All matches of the capture groups: texts where there is one group, arrays of texts where there are more.",
    page="extract-all-function",
    aliases=("extractall",),
    nulls="own",
    checks={"regex": lambda pattern: regex.fault(pattern) or _groups_fault(pattern)},
)
def extract_all(sql: DuckDbSql, pattern: Fragment, *rest: Fragment) -> Fragment:
    source, groups = rest[-1], rest[0] if len(rest) == 2 else None
    if pattern.constant and (groups is None or groups.constant):
        numbers = _chosen(str(pattern.value), groups.value if groups is not None else None)
        if numbers and max(numbers) <= _MOST_GROUPS:
            found = regex.by_alphabet(
                source, str(pattern.value), lambda p: _extract_all_sql(sql.quote(p), numbers, source)
            )
            return Fragment(found, Type.DYNAMIC, True)
    if groups is None:
        text = sql.row("extracted_all", extracted_all, Type.DYNAMIC, pattern, source)
    else:
        text = sql.row("extracted_groups", extracted_groups, Type.DYNAMIC, pattern, groups, source)
    return Fragment(text, Type.DYNAMIC, True)


def _groups_fault(pattern: str) -> str | None:
    if regex.group_count(pattern):
        return None
    return "The regular expression needs a capture group: put the wanted part in parentheses"


def _extract_all_sql(pattern: str, numbers: list[int], source: Fragment) -> str:
    lists = [
        f"list_transform(regexp_extract_all({source}, {pattern}, {number}), lambda e: coalesce(e, ''))"
        for number in numbers
    ]
    if len(lists) == 1:
        found = lists[0]
    else:
        parts = ", ".join(f"z[{index}]" for index in range(1, len(lists) + 1))
        found = f"list_transform(list_zip({', '.join(lists)}), lambda z: [{parts}])"
    return f"nullif(CAST(to_json({found}) AS VARCHAR), '[]')"


# -- replacement and trimming


def replaced(pattern: str, rewrite: str, text: str) -> str:
    r"""The text with every match rewritten; in the rewrite \0 to \9 are groups, one that is not there is empty."""
    found = regex.compiled(pattern, text.isascii())
    if found is None:
        return text
    parts, at = [], 0
    for match in found.finditer(text):
        parts.append(text[at : match.start()])
        at = match.end()
        index = 0
        while index < len(rewrite):
            character = rewrite[index]
            following = rewrite[index + 1 : index + 2]
            if character == "\\" and following.isdigit() and following.isascii():
                number = int(following)
                parts.append((match.group(number) or "") if number <= found.groups else "")
                index += 2
            elif character == "\\" and following == "\\":
                parts.append("\\")
                index += 2
            else:
                parts.append(character)
                index += 1
    return "".join([*parts, text[at:]])


def _plain_rewrite(pattern: Fragment, rewrite: Fragment) -> bool:
    """Whether the database understands the rewrite: all its groups are there, every other backslash is doubled."""
    if not pattern.constant or not rewrite.constant:
        return False
    text, count, index = str(rewrite.value), regex.group_count(str(pattern.value)), 0
    while index < len(text):
        if text[index] == "\\":
            following = text[index + 1 : index + 2]
            if following != "\\" and not (following in tuple("0123456789") and int(following) <= count):
                return False
            index += 1
        index += 1
    return True


def _replace(sql: DuckDbSql, source: Fragment, pattern: Fragment, rewrite: Fragment) -> str:
    if _plain_rewrite(pattern, rewrite):
        return regex.by_alphabet(
            source, str(pattern.value), lambda p: f"regexp_replace({source}, {sql.quote(p)}, {rewrite}, 'g')"
        )
    return f"coalesce({sql.row('replaced', replaced, Type.STRING, pattern, rewrite, source)}, '')"


@scalar(
    "replace_regex(source: string, regex: string, rewrite_pattern: string): string",
    about=r"The source with every match of a regular expression rewritten; \1 to \9 stand for capture groups.",
    page="replace-regex-function",
    nulls="total",
    checks=_CHECK,
)
def replace_regex(sql: DuckDbSql, source: Fragment, pattern: Fragment, rewrite: Fragment) -> str:
    return _replace(sql, source, pattern, rewrite)


@scalar(
    "replace(regex: string, rewrite: string, source: string): string",
    about="As replace_regex(), with the source as the last argument.",
    nulls="total",
    checks=_CHECK,
)
def replace(sql: DuckDbSql, pattern: Fragment, rewrite: Fragment, source: Fragment) -> str:
    return _replace(sql, source, pattern, rewrite)


def _trim(name: str, form: str, where: str) -> None:
    def trimmed(pattern: str, text: str) -> str:
        return replaced(form.replace("{p}", f"(?:{pattern})"), "", text)

    @scalar(
        f"{name}(regex: string, source: string): string",
        about=f"The source without what a regular expression matches at {where}.",
        page=f"{name.replace('_', '-')}-function", nulls="total", checks=_CHECK,
    )  # fmt: skip
    def emit(sql: DuckDbSql, pattern: Fragment, source: Fragment) -> str:
        if pattern.constant:
            wanted = form.replace("{p}", f"(?:{pattern.value})")
            return regex.by_alphabet(source, wanted, lambda p: f"regexp_replace({source}, {sql.quote(p)}, '', 'g')")
        return f"coalesce({sql.row(name, trimmed, Type.STRING, pattern, source)}, '')"


# both ends are looked at in the source itself, so that a pattern with an anchor of its own means the same
_trim("trim", "^{p}|{p}$", "its start and its end")
_trim("trim_start", "^{p}", "its start")
_trim("trim_end", "{p}$", "its end")


# -- search


def counted_regex(text: str, pattern: str) -> int:
    """How many matches a text has; they do not overlap."""
    found = regex.compiled(pattern, text.isascii())
    return 0 if found is None else sum(1 for _ in found.finditer(text))


def counted_text(text: str, search: str) -> int:
    """How often a text occurs in another, overlaps counted."""
    if not search:
        return 0
    count = at = 0
    while (at := text.find(search, at)) >= 0:
        count += 1
        at += 1
    return count


def _countof_fault(kind: str) -> str | None:
    if kind.lower() in ("normal", "regex"):
        return None
    return "The expression must be one of the values: normal or regex"


@scalar(
    "countof(source: string, search: string, kind?: const string): long",
    about="How often a text occurs in another (overlaps counted), or with 'regex' how many matches there are.",
    page="countof-function",
    nulls="total",
    checks={"kind": _countof_fault},
)
def countof(sql: DuckDbSql, source: Fragment, search: Fragment, kind: Fragment | None = None) -> str:
    if kind is not None and str(kind.value).lower() == "regex":
        if search.constant and regex.fault(str(search.value)) is None:
            return regex.by_alphabet(
                source, str(search.value), lambda p: f"coalesce(len(regexp_extract_all({source}, {sql.quote(p)})), 0)"
            )
        return sql.row("counted_regex", counted_regex, Type.LONG, source, search)
    if search.constant and len(str(search.value)) == 1:
        # one character cannot overlap itself
        return f"CAST(length({source}) - length(replace({source}, {search}, '')) AS BIGINT)"
    return sql.row("counted_text", counted_text, Type.LONG, source, search)


def _window(text: str, start: int, length: int, occurrence: int) -> tuple[int, int] | None:
    """Where a search may find its matches: from (included), to (excluded)."""
    if start < 0:
        start += len(text)
    if start < 0 or length < -1 or occurrence < 0:
        return None
    return start, len(text) if length == -1 else min(start + length, len(text))


def index_of(text: str, match: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    """The position of an occurrence that starts inside the window; -1 where there is none, None where arguments are wrong."""
    window = _window(text, start, length, occurrence)
    if window is None or not match:
        return None
    at, end = window
    for _ in range(max(occurrence, 1)):
        found = text.find(match, at)
        if found < 0 or found >= end:
            return -1
        at = found + 1
    return found


def index_of_regex(text: str, pattern: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    """As index_of(), of the matches of a regular expression, which do not overlap."""
    found = regex.compiled(pattern, text.isascii())
    window = None if start < 0 else _window(text, start, length, occurrence)
    if window is None or found is None:
        return None
    at, end = window
    wanted = max(occurrence, 1)
    for match in found.finditer(text, at):
        if match.start() >= end:
            break
        wanted -= 1
        if wanted == 0:
            return int(match.start())
    return -1


@scalar(
    "indexof(string: any, match: any, start?: long, length?: long, occurrence?: long): long",
    about="The position of a text in another, from a start, in a length, of an occurrence; -1 where it is not there.",
    page="indexof-function",
    nulls="own",
)
def indexof(sql: DuckDbSql, string: Fragment, match: Fragment, *rest: Fragment) -> Fragment:
    text, needle = sql.tostring(string), sql.tostring(match)
    if not rest:
        if isinstance(match.value, str) and match.value:
            return Fragment(f"(strpos({text}, {needle}) - 1)", Type.LONG, False)
        return Fragment(f"CASE WHEN {needle} <> '' THEN strpos({text}, {needle}) - 1 END", Type.LONG, True)
    return Fragment(sql.row(f"index_of{len(rest)}", index_of, Type.LONG, text, needle, *rest), Type.LONG, True)


@scalar(
    "indexof_regex(string: any, regex: any, start?: long, length?: long, occurrence?: long): long",
    about="The position of a regular expression's match in a text; -1 where there is none.",
    page="indexof-regex-function",
    nulls="own",
    checks=_CHECK,
)
def indexof_regex(sql: DuckDbSql, string: Fragment, pattern: Fragment, *rest: Fragment) -> Fragment:
    text, wanted = sql.tostring(string), sql.tostring(pattern)
    row = sql.row(f"index_of_regex{len(rest)}", index_of_regex, Type.LONG, text, wanted, *rest)
    return Fragment(row, Type.LONG, True)


@scalar("regex_quote(string: any): string", about="A text as a regular expression that matches just it.",
        page="regex-quote-function", nulls="total")  # fmt: skip
def regex_quote(sql: DuckDbSql, string: Fragment) -> str:
    return f"regexp_replace({sql.tostring(string)}, '([\\\\.+*?()|\\[\\]{{}}^$#\\s-])', '\\\\\\1', 'g')"
