"""Text to tokens: one master pattern, parallel lists, no objects per token.

A token's kind is its own text for keywords, operators and punctuation (`"where"`, `"mv-expand"`, `"!in~"`,
`"|"`), and one of the constants below for everything whose text varies. Keywords are contextual: the
lexer names them, the parser decides whether one stands as a name (`NAME_KEYWORDS`, `WIDE_NAME_KEYWORDS`).

Source: the KQL reference ("Entity names", "String", "Numerical" and "Timespan" literals) and the behaviour of
Microsoft's own parser.
"""

from __future__ import annotations

import re
from typing import Final

from vedette.kql.diagnostics import MAX_DIAGNOSTICS, Diagnostic
from vedette.kql.foreign import hint

NAME: Final = "<name>"
STRING: Final = "<string>"
LONG: Final = "<long>"
REAL: Final = "<real>"
TIMESPAN: Final = "<timespan>"
BOOL: Final = "<bool>"
TYPED: Final = "<typed literal>"
"""`type(text)` with nothing between name and parenthesis, such as `datetime(2024-01-01)`."""
RAW_GUID: Final = "<guid>"
BAD: Final = "<bad>"
END: Final = "<end>"

NAME_KEYWORDS: Final = frozenset(
    """access alias bin consume count database declare default distinct entity_group evaluate extend dataformat
    inline_external_table datetime_pattern facet filter fork from getschema edges id best_effort join let limit lookup
    mvapply mvexpand nodes null nulls on optional order output pack parse partition pattern plotly graph
    query_parameters range reduce regex render restrict scan serialize sort step summarize take top typeof uuid view
    with with_node_id bool guid""".split()
)
"""Keywords that may stand wherever a name may stand."""

WIDE_NAME_KEYWORDS: Final = NAME_KEYWORDS | frozenset(
    """accumulate as by contains datatable earliest externaldata find has in invoke latest materialize mdm of print
    sample sample-distinct search set sql title to toscalar totable top-nested top-hitters verbose viewers
    where""".split()
)
"""Keywords that may also be declared as names: before `=`, before `:`, and in name lists."""

SPECIAL_NAME_KEYWORDS: Final = frozenset({"kind", "withsource", "with_source"})
"""Parameter names that may be referred to as columns."""

TYPE_KEYWORDS: Final = frozenset(
    "bool boolean date datetime decimal double dynamic guid int int64 int8 long real string time timespan uniqueid".split()
)
"""Type names that a declaration takes."""

OLD_TYPE_KEYWORDS: Final = frozenset("float int16 int32 uint uint16 uint32 uint64 uint8 ulong".split())
"""Further type names that only `typeof()` takes."""

_OTHER_KEYWORDS: Final = frozenset(
    """and anomalychart areachart asc bagexpansion barchart between bin_legacy byte cachingpolicy callout cancel card char
    columnchart containscs contains_cs cycles dataexport datascope decodeblocks desc encodingpolicy endswith endswith_cs
    expandoutput extent_tags_retention external_data first flags force_remote harddelete hardretention has_all has_any
    has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hotcache isfuzzy journal ladderchart last like likecs linechart
    missing nooptimization notcontains notcontainscs notlike notlikecs or others pathformat piechart pivotchart project
    queries query_results relaxed restricted_view_access row_level_security rowstore rowstore_references
    rowstore_sealinfo rowstorepolicy rowstores scatterchart seal seals shards simple softdelete softretention
    stackedareachart startswith startswith_cs statistics storedqueryresultcontainers tablepurge timechart timeline
    timepivot treemap union unrestrictedviewers views with_itemindex with_match_id with_step_name writeaheadlog
    __contextual_datatable __crossCluster __crossDB __executeAndCache __id __isFuzzy __noWithSource __packedColumn
    __partitionby __projectAway __sourceColumnIndex""".split()
)
"""Keywords that never stand as names: operators of expressions, chart types, words of management commands."""

KEYWORDS: Final = (
    NAME_KEYWORDS | WIDE_NAME_KEYWORDS | SPECIAL_NAME_KEYWORDS | TYPE_KEYWORDS | OLD_TYPE_KEYWORDS | _OTHER_KEYWORDS
)
"""Every word with a meaning of its own; all other words are names. Keywords are lower case."""

_HYPHENATED = (
    "assert-schema|granny-(?:asc|desc)|graph-(?:match|shortest-paths|to-table|mark-components|where-(?:nodes|edges))"
    "|macro-expand|make-(?:graph|series)|materialized-view-combine|mv-(?:apply|expand)|parse-(?:where|kv)|partitioned-by"
    "|project-(?:away|by-names|keep|rename|reorder|smart)|sample-distinct|top-(?:hitters|nested)"
)
_HINTS = (
    "hint\\.(?:concurrency|distribution|materialized|num_partitions|shufflekey|spread|remote|strategy|progressive_top"
    "|pass_filters_column|pass_filters)"
)
_NEGATED = "!(?:in~|(?:between|contains(?:_cs)?|endswith(?:_cs)?|has(?:prefix|suffix)?(?:_cs)?|in|startswith(?:_cs)?)(?![0-9A-Za-z_]))"
_TYPED_NAMES = "long|int64|int32|int|real|double|decimal|bool|datetime|date|timespan|time|guid"
_SUFFIXES = (
    "minutes|minute|min|milliseconds|millisecond|millisec|millis|milli|microseconds|microsecond|microsec|micros|micro|ms|m"
    "|seconds|second|sec|s|days|day|d|hours|hour|hrs|hr|h|nanoseconds|nanosecond|nanosec|nanos|nano|ticks|tick"
)
_HEX = "[0-9A-Fa-f]"
_ESCAPE = rf"\\(?:[\\'\"abfnrtv]|[0-3][0-7][0-7]|[0-7][0-7]?|x{_HEX}{{2}}|u{_HEX}{{4}}|U{_HEX}{{8}})"

# White space is what Microsoft's lexer skips; it is wider than ASCII and includes the byte order mark.
_TRIVIA = r"(?:[\s\u180e\u200b\ufeff]++|//[^\n\r\u2028\u2029]*+)*+"

_MASTER: Final = re.compile(
    rf"{_TRIVIA}(?:"
    rf"""([Hh]?+@?+(?:"|')|[Hh]?+(?:```|~~~))"""  # 1 a string opens
    rf"|((?:{_HYPHENATED}|{_HINTS})(?![0-9A-Za-z_]))"  # 2 words with a hyphen or a dot
    rf"|((?:{_TYPED_NAMES})\([^)\n\r\u2028\u2029]*+\)?+)"  # 3 typed literal
    rf"|({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})"  # 4 guid without guid()
    rf"|(in~|matches[ \t]+regex)(?![0-9A-Za-z_])"  # 5
    rf"|([A-Za-z_$][0-9A-Za-z_]*+)"  # 6 word
    rf"|([0-9]++(?:\.(?!\.(?!\.))[0-9]*+(?:[eE][+-]?+[0-9]++)?+|[eE][+-]?+[0-9]++)(?![0-9A-Za-z_]))"  # 7 real
    rf"|([0-9]++(?:\.[0-9]++)?+(?:{_SUFFIXES})(?![0-9A-Za-z_]))"  # 8 timespan
    rf"|((?:0[xX]{_HEX}++|[0-9]++)(?![0-9A-Za-z_]))"  # 9 long
    rf"|([0-9]++[A-Za-z_][0-9A-Za-z_]*+)"  # 10 a name that starts with digits
    rf"|({_NEGATED})"  # 11
    rf"|(\.\.|<\||<=|<>|>=|==|=>|=~|!=|!~|[()\[\]{{}}|.+\-*/%<>=!:;,@?])"  # 12 punctuation
    rf"|(\Z)"  # 13
    rf"|([\s\S])"  # 14 not part of the language
    rf")"
)

_DIRECTIVE: Final = re.compile(rf"{_TRIVIA}#\s*([A-Za-z]*)[^\n\r\u2028\u2029]*")
_CLIENT_DIRECTIVES: Final = frozenset("automate browse connect crp database download qp run save sqr".split())
_PLAIN_STRING: Final = {
    '"': re.compile(rf'(?:[^"\\\r\n]++|{_ESCAPE})*+'),
    "'": re.compile(rf"(?:[^'\\\r\n]++|{_ESCAPE})*+"),
}
_VERBATIM_STRING: Final = {
    '"': re.compile(r'(?:[^"\r\n]++|"")*+'),
    "'": re.compile(r"(?:[^'\r\n]++|'')*+"),
}
_BOOLS: Final = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_WORD_KINDS: Final = {word: word for word in KEYWORDS} | dict.fromkeys(_BOOLS, BOOL)


class Tokens:
    """The tokens of a text, as parallel lists; the last token is always `END`, with no width."""

    __slots__ = ("diagnostics", "ends", "kinds", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.diagnostics: list[Diagnostic] = []


def tokenize(text: str) -> Tokens:
    """Tokens of `text`. Comments and white space are dropped; malformed pieces are reported and kept as `BAD`."""
    tokens = Tokens(text)
    position = _past_directives(tokens)
    add_kind = tokens.kinds.append
    add_start = tokens.starts.append
    add_end = tokens.ends.append
    word_kind = _WORD_KINDS.get
    match_at = _MASTER.match
    by_group = (None, STRING, "", TYPED, RAW_GUID, "", "", REAL, TIMESPAN, LONG, NAME, "", "", END, BAD)
    while True:
        match = match_at(text, position)
        assert match is not None  # the last two groups leave nothing unmatched
        group = match.lastindex
        assert group is not None
        start, position = match.span(group)
        if group == 6:
            kind = word_kind(match[6], NAME)
        elif group in (12, 2, 11):
            kind = match[group]
        elif group == 5:
            kind = "in~" if match[5] == "in~" else "matches regex"
        elif group == 1:
            kind = STRING
            position = _string_end(tokens, match[1], position)
        else:
            kind = by_group[group] or ""
            if group == 13:
                add_kind(END)
                add_start(start)
                add_end(start)
                return tokens
            if group == 3 and text[position - 1] != ")":
                tokens.diagnostics.append(Diagnostic("KS001", "this literal has no closing )", position, 0))
            elif group == 14 and len(tokens.diagnostics) < MAX_DIAGNOSTICS:
                shown = text[start] if text[start].isprintable() else f"U+{ord(text[start]):04X}"
                tokens.diagnostics.append(
                    Diagnostic(
                        "KS002", f"the character {shown} has no meaning here{hint(text, start, position)}", start, 1
                    )
                )
        add_kind(kind)
        add_start(start)
        add_end(position)


def _past_directives(tokens: Tokens) -> int:
    """Where the query itself starts: `#` lines before it speak to a client and not to the engine.

    One that a client would obey (`#connect ...`) changes what the query means, and is refused.
    """
    position = 0
    while found := _DIRECTIVE.match(tokens.text, position):
        position = found.end()
        if found[1] in _CLIENT_DIRECTIVES:
            message = f"#{found[1]} is an instruction to a client and is not supported here"
            tokens.diagnostics.append(Diagnostic("VDT0104", message, found.start(1) - 1, len(found[1]) + 1))
    return position


def _string_end(tokens: Tokens, opening: str, position: int) -> int:
    """The end of the string whose content starts at `position`; a fault in it is reported."""
    text = tokens.text
    quote = opening[-1]
    if opening.endswith(("```", "~~~")):
        close = text.find(opening[-3:], position)
        if close >= 0:
            return close + 3
        tokens.diagnostics.append(Diagnostic("KS001", f"this string has no closing {opening[-3:]}", len(text), 0))
        return len(text)
    pattern = (_VERBATIM_STRING if "@" in opening else _PLAIN_STRING)[quote]
    while True:
        match = pattern.match(text, position)
        assert match is not None
        position = match.end()
        following = text[position : position + 1]
        if following == quote:
            return position + 1
        if following != "\\":
            tokens.diagnostics.append(
                Diagnostic("KS001", f"this string has no closing {quote} on its line", position, 0)
            )
            return position
        # An escape that does not exist: report it where it stands and go on to the end of the string.
        shown = text[position : position + 2].rstrip("\r\n")
        advice = "write \\\\ for a backslash, or put @ before the opening quote"
        tokens.diagnostics.append(
            Diagnostic("KS001", f"{shown} is not an escape sequence; {advice}", position, len(shown))
        )
        position += len(shown)


_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE_PATTERN: Final = re.compile(_ESCAPE)


def _unescape(match: re.Match[str]) -> str:
    body = match[0][1:]
    first = body[0]
    if first in _ESCAPES:
        return _ESCAPES[first]
    if first in "xuU":
        code = int(body[1:], 16)
        return chr(code) if code <= 0x10FFFF else "\ufffd"
    if first in "01234567":
        return chr(int(body, 8))
    return body


def string_value(token: str) -> tuple[str, bool]:
    """What a string token means, and whether it is hidden (`h"..."`)."""
    hidden = token[0] in "hH"
    if hidden:
        token = token[1:]
    verbatim = token[0] == "@"
    if verbatim:
        token = token[1:]
    quote = token[0]
    if quote in "`~":
        return token[3:-3] if len(token) >= 6 and token.endswith(quote * 3) else token[3:], hidden
    content = token[1:-1] if len(token) >= 2 and token[-1] == quote else token[1:]
    if verbatim:
        return content.replace(quote * 2, quote), hidden
    return (_ESCAPE_PATTERN.sub(_unescape, content) if "\\" in content else content), hidden


_HIDDEN_STRING: Final = re.compile(r"[Hh](?:@?[\"']|```|~~~)")


def _hidden_spans(text: str) -> list[tuple[int, int]]:
    """Where hidden strings stand; a string next to one becomes part of its value, and so is one of them."""
    if not _HIDDEN_STRING.search(text):
        return []
    tokens = tokenize(text)
    spans: list[tuple[int, int]] = []
    run: list[tuple[int, int]] = []
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind == STRING:
            run.append((start, end))
            continue
        if any(text[first] in "hH" for first, _ in run):
            spans += run
        run = []
    return spans


def redacted(text: str) -> str:
    """The text with every hidden string shown as `h'******'`, for logs and screens."""
    pieces: list[str] = []
    done = 0
    for start, end in _hidden_spans(text):
        pieces += [text[done:start], "h'******'"]
        done = end
    return "".join(pieces) + text[done:]


def masked(text: str) -> str:
    """As `redacted`, with every character at its place, for showing a span of the text."""
    pieces: list[str] = []
    done = 0
    for start, end in _hidden_spans(text):
        pieces += [text[done:start], re.sub(r"[^\r\n]", "*", text[start:end])]
        done = end
    return "".join(pieces) + text[done:]
