"""The lexer: text to tokens with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vedette.kql.diagnostics import Diagnostic


@dataclass(slots=True)
class Token:
    """A token; `kind` is name, string, long, real, timespan, typed (`datetime(...)` and the like), op or end."""

    kind: str
    text: str
    start: int
    end: int
    value: object = None


_UNITS = (
    "days|day|d|hours|hour|hrs|hr|h|minutes|minute|min|milliseconds|millisecond|millisec|millis|milli|ms"
    "|microseconds|microsecond|microsec|micros|micro|us|nanoseconds|nanosecond|nanosec|nanos|nano|ns|ticks|tick"
    "|seconds|second|sec|s|m"
)
_TYPED = (
    "datetime|date|timespan|time|guid|uuid|uniqueid|int|int32|int64|long|real|double|float|decimal|bool|boolean|string"
)
_MASTER = re.compile(
    r"""(?P<space>\s+|//[^\n]*)"""
    r"""|(?P<multi>[hH]?(?:```.*?```|~~~.*?~~~))"""
    r"""|(?P<string>[hH]?(?:@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))"""
    rf"""|(?P<typed>\b(?:{_TYPED})\s*\(\s*(?:"[^"]*"|'[^']*'|[^()'"|;,]*)\s*\))"""
    rf"""|(?P<timespan>\d+(?:\.\d+)?(?:{_UNITS})\b)"""
    r"""|(?P<hex>0[xX][0-9a-fA-F]+\b)"""
    r"""|(?P<real>(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+\.(?![.\w]))\b|\d+\.(?![.\w]))"""
    r"""|(?P<long>\d+(?![\w]))"""
    r"""|(?P<name>\d*[A-Za-z_$][\w$]*)"""
    r"""|(?P<op>!=|!~|=~|==|<=|>=|<>|\.\.|=>|<\||-->|--|<--|-\[|\]->|\]-|<-\[|!|[-+*/%<>=()\[\]{},;:|.@#?&^~])""",
    re.DOTALL,
)
_WORD_OPERATORS = re.compile(r"!(in~|in|has_cs|hasprefix_cs|hasprefix|hassuffix_cs|hassuffix|has|contains_cs|contains"
                             r"|startswith_cs|startswith|endswith_cs|endswith|between|like_cs|like)(?![\w])")  # fmt: skip
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "\\": "\\",
    '"': '"',
    "'": "'",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)


def unescape(body: str) -> str:
    """The text of a string literal's inside."""
    if "\\" not in body:
        return body

    def replace(found: re.Match[str]) -> str:
        escape = found[1]
        if escape[0] in "uUx" and len(escape) > 1:
            return chr(min(int(escape[1:], 16), 0x10FFFF))
        if escape[0] in "01234567":
            return chr(int(escape, 8))
        return _ESCAPES.get(escape, escape)

    text = _ESCAPE.sub(replace, body)
    # surrogate halves that stand side by side are one character
    return (
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if re.search("[\ud800-\udfff]", text)
        else text
    )


def string_value(text: str) -> tuple[str, bool]:
    """The value of a string token, and whether it is hidden (`h"..."`)."""
    hidden = text[0] in "hH"
    if hidden:
        text = text[1:]
    if text.startswith(("```", "~~~")):
        return text[3:-3], hidden
    if text[0] == "@":
        quote = text[1]
        return text[2:-1].replace(quote * 2, quote), hidden
    return unescape(text[1:-1]), hidden


def tokenize(text: str) -> tuple[list[Token], list[Diagnostic]]:
    """All tokens, an `end` token last, and what could not be read."""
    tokens: list[Token] = []
    diagnostics: list[Diagnostic] = []
    at, size = 0, len(text)
    match = _MASTER.match
    while at < size:
        found = match(text, at)
        if found is None:
            message = (
                "The string is not closed"
                if text[at] in "\"'" or text[at : at + 2].lower() in ('h"', "h'", '@"', "@'")
                else (f"Unexpected character '{text[at]}'")
            )
            diagnostics.append(Diagnostic("KS003", message, at, 1))
            if message.startswith("The string"):
                line_end = text.find("\n", at)
                at = size if line_end < 0 else line_end
            else:
                at += 1
            continue
        kind, end = found.lastgroup or "", found.end()
        if kind != "space":
            word = text[at:end]
            if kind == "op" and word == "!":
                negated = _WORD_OPERATORS.match(text, at)
                if negated:
                    end = negated.end()
                    tokens.append(Token("op", text[at:end], at, end))
                    at = end
                    continue
            if kind in ("string", "multi"):
                value, hidden = string_value(word)
                tokens.append(Token("string", word, at, end, (value, hidden)))
            elif kind == "hex":
                tokens.append(Token("long", word, at, end))
            else:
                tokens.append(Token(kind, word, at, end))
        at = end
    tokens.append(Token("end", "", size, size))
    return tokens, diagnostics
