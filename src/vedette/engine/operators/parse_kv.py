"""parse-kv: the values of some keys of a text."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterator

from vedette.engine import regex
from vedette.engine.compiler import Compiler, lowers
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.conversion import parse_json
from vedette.engine.relations import Rel, name_of
from vedette.engine.windows import staged
from vedette.kql.binder.operators.parse_kv import PairForm, ParseKv
from vedette.kql.diagnostics import Diagnostic, KqlError
from vedette.kql.types import Type


@lowers(ParseKv)
def parse_kv(compiler: Compiler, node: ParseKv) -> Rel:
    """One reading of each text gives all values, as a list."""
    if node.form.regex and (count := regex.group_count(node.form.regex)) != 2:
        message = f"parse-kv takes a regular expression with two groups, for key and value, not {count}"
        raise KqlError("", [Diagnostic("KS140", message, node.place.start, node.place.end - node.place.start)])
    rel = staged(compiler, compiler.rel(node.input), [node.text])
    if not node.keys:
        return rel
    sql, listed = compiler.sql, compiler.fresh()
    names = [name for name, _ in node.keys]
    form = sql.literal(json.dumps([dataclasses.asdict(node.form), names]), Type.STRING)
    read = sql.row("parse_kv", pairs, Type.DYNAMIC, compiler.emitter.emit(node.text), form)
    inner = rel.extended([f"CAST(CAST({read} AS JSON) AS VARCHAR[]) AS {listed}"], node.columns).wrapped()
    items = []
    for index, (_, column) in enumerate(node.keys, 1):
        value = Fragment(f"{listed}[{index}]", Type.STRING, True)
        made = _typed(sql, value, column.type)
        items.append(f"{made} AS {name_of(column)}")
    return inner.extended(items, node.columns)


def _typed(sql: DuckDbSql, value: Fragment, type_: Type) -> str:
    """A value as its key's type; a key that a text lacks gives "" or null."""
    if type_ is Type.STRING:
        return f"coalesce({value}, '')"
    return str(parse_json(sql, value) if type_ is Type.DYNAMIC else sql.cast(value, type_))


def pairs(text: str, form: str) -> list[str | None]:
    """The first value of each key; None where a text lacks it. The form is JSON of `PairForm` and the keys."""
    read, keys = _form(form)
    if read.regex:
        found = _by_regex(text, read.regex)
    elif read.pair_delimiter:
        found = _Delimited(text, read).pairs()
    else:
        found = _Loose(text, read, keys).pairs()
    values: dict[str, str] = {}
    wanted = set(keys)
    for key, value in found:
        if key in wanted and key not in values:
            values[key] = value
            if len(values) == len(wanted):
                break
    return [values.get(key) for key in keys]


@functools.lru_cache(maxsize=256)
def _form(text: str) -> tuple[PairForm, tuple[str, ...]]:
    described, keys = json.loads(text)
    described["quotes"], described["escapes"] = tuple(described["quotes"]), tuple(described["escapes"])
    return PairForm(**described), tuple(keys)


def _by_regex(text: str, pattern: str) -> Iterator[tuple[str, str]]:
    expression = regex.compiled(pattern, text.isascii())
    if expression is not None:
        for match in expression.finditer(text):
            yield (match.group(1) or "").strip(), (match.group(2) or "").strip()


_SPACE = re.compile(r"\s*")


class _Text:
    """A text that is read from left to right."""

    def __init__(self, text: str, form: PairForm) -> None:
        self.text = text
        self.form = form
        self.at = 0
        self.closing = {quote[0]: quote[1] for quote in form.quotes}
        self._unclosed: set[str] = set()
        """Closing quotes that no longer come, so that they are not looked for again and again."""
        self._seen: dict[str, int] = {}

    def next(self, delimiter: str, start: int) -> int:
        """Where a delimiter comes next; behind the text where it does not."""
        place = self._seen.get(delimiter, -1)
        if place < start:
            place = self.text.find(delimiter, start)
            self._seen[delimiter] = place = place if place >= 0 else len(self.text) + 1
        return place

    def skip_space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def quoted(self) -> str | None:
        """What stands in quotes here, read past them; None where no quote opens, or none closes."""
        close = self.closing.get(self.text[self.at : self.at + 1])
        if close is None or close in self._unclosed:
            return None
        text, start, escapes = self.text, self.at + 1, self.form.escapes
        end = text.find(close, start)
        if end >= 0 and not any(text.find(escape, start, end) >= 0 for escape in escapes):
            self.at = end + 1
            return text[start:end]
        out: list[str] = []
        index = start if end >= 0 else len(text)
        while index < len(text):
            character = text[index]
            if character in escapes and index + 1 < len(text):
                out.append(text[index + 1])
                index += 2
                continue
            if character == close:
                self.at = index + 1
                return "".join(out)
            out.append(character)
            index += 1
        self._unclosed.add(close)
        return None


class _Delimited(_Text):
    """Pairs that two delimiters tell apart; space around keys and values does not count."""

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every pair, in order."""
        while (key := self._key()) is not None:
            yield key, self._value()

    def _key(self) -> str | None:
        """The next key, read past its delimiter; text without one belongs to no pair."""
        pair, kv = self.form.pair_delimiter, self.form.kv_delimiter
        while True:
            self.skip_space()
            if self.at >= len(self.text):
                return None
            key = self.quoted()
            if key is None:
                start = self.at
                self.at = min(self.next(kv, start), self.next(pair, start), len(self.text))
                key = self.text[start : self.at].rstrip()
            self.skip_space()
            if self.text.startswith(kv, self.at):
                self.at += len(kv)
                return key
            if self.text.startswith(pair, self.at):
                self.at += len(pair)

    def _value(self) -> str:
        pair = self.form.pair_delimiter
        self.skip_space()
        value = self.quoted()
        if value is not None:
            return value
        start = self.at
        end = self.next(pair, start)
        while self.form.greedy and end < len(self.text) and not self._key_follows(end + len(pair)):
            end = self.next(pair, end + len(pair))
        self.at = min(end + len(pair), len(self.text))
        return self.text[start:end].rstrip()

    def _key_follows(self, at: int) -> bool:
        """Whether a key and its delimiter come next, without another pair's delimiter in between."""
        here = self.at
        self.at = at
        self.skip_space()
        quoted = self.quoted() is not None
        start = self.at
        self.at = here
        kv = self.next(self.form.kv_delimiter, start)
        if kv > len(self.text):
            return False
        between = self.text[start:kv].strip() if quoted or kv < self.next(self.form.pair_delimiter, start) else None
        return between == "" if quoted else bool(between)


class _Loose(_Text):
    """Pairs of keys and values that anything but letters and digits may tell apart."""

    def __init__(self, text: str, form: PairForm, keys: tuple[str, ...]) -> None:
        super().__init__(text, form)
        self.keys = sorted(keys, key=len, reverse=True)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every pair of a key that is wanted, in order."""
        while self._skip_delimiters():
            key = self._key()
            if key is not None and self._skip_delimiters():
                yield key, self._word()

    def _skip_delimiters(self) -> bool:
        while self.at < len(self.text) and not self.text[self.at].isalnum() and self.text[self.at] not in self.closing:
            self.at += 1
        return self.at < len(self.text)

    def _key(self) -> str | None:
        """The key that stands here, read past it; another word is read past as well."""
        for key in self.keys:
            end = self.at + len(key)
            if key and self.text.startswith(key, self.at) and not self.text[end : end + 1].isalnum():
                self.at = end
                return key
        word = self._word()
        return word if word in self.keys else None

    def _word(self) -> str:
        quoted = self.quoted()
        if quoted is not None:
            return quoted
        start = self.at
        while self.at < len(self.text) and self.text[self.at].isalnum():
            self.at += 1
        word = self.text[start : self.at]
        self.at += not word
        return word
