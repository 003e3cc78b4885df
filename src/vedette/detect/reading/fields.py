"""Reading the fields of one mapping: typed, with a finding for each that is wrong, its line and the nearest name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from vedette.core.errors import nearest
from vedette.detect.reading.document import Document
from vedette.detect.reading.durations import meant_duration, parse_duration
from vedette.detect.reading.problems import ProblemSeverity, RuleProblem
from vedette.detect.rule import JsonValue

T = TypeVar("T")

_TRUTH = {"true": True, "false": False}


class FieldReader:
    """The fields of one mapping of a document. Findings go to the shared list; `failed` says one here is an error."""

    def __init__(
        self, document: Document, problems: list[RuleProblem], parent: FieldReader | None = None, what: str = ""
    ) -> None:
        self._document = document
        self._problems = problems
        self._parent = parent
        self._what = what
        self._label: str | None = None
        self.failed = False
        self.value: Mapping[str, JsonValue] = document.value if isinstance(document.value, Mapping) else {}
        self._spelled: dict[str, str] = {}
        self._suspected: set[str] = set()

    @property
    def label(self) -> str | None:
        """Name or id of the rule that is read, for the findings."""
        return self._parent.label if self._parent else self._label

    @label.setter
    def label(self, text: str | None) -> None:
        self._label = text

    def has(self, name: str) -> bool:
        """Whether the field is there with a value."""
        return self.value.get(name) is not None

    def lacks(self, name: str) -> bool:
        """Whether the field is not there or is an empty text, and is not there with a slip in its name either."""
        value = self.value.get(name)
        return (value is None or (isinstance(value, str) and not value.strip())) and name not in self._suspected

    def raw(self, name: str) -> JsonValue:
        """The field's value as it is."""
        return self.value.get(name)

    def text(self, name: str, *, trim: bool = True) -> str | None:
        """A text; numbers and booleans are taken as they are spelled. None when absent or empty."""
        value = self.value.get(name)
        if isinstance(value, str):
            if not _storable(value):
                self.wrong(name, f"'{name}' has a character in it that is no text (NUL, or half of a pair)")
                return None
            text = value.strip() if trim else value
            return text or None
        if isinstance(value, bool | int | float):
            return self._document.literal((self._spelled.get(name, name),)) or str(value)
        if value is not None:
            self.wrong(name, f"'{name}' is a text, not a {_named(value)}")
        return None

    def boolean(self, name: str, default: bool) -> bool:
        """true or false, also as text."""
        value = self.value.get(name)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().casefold() in _TRUTH:
            return _TRUTH[value.strip().casefold()]
        if value is not None:
            self.wrong(name, f"'{name}' is true or false, not {_shown(value)}")
        return default

    def integer(self, name: str, *, minimum: int | None = None) -> int | None:
        """A whole number, also as text."""
        value = self.value.get(name)
        if isinstance(value, str):
            try:
                value = int(value.strip())
            except ValueError:
                self.wrong(name, f"'{name}' is a whole number, not {_shown(value)}")
                return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            if value is not None:
                self.wrong(name, f"'{name}' is a whole number, not {_shown(value)}")
            return None
        if minimum is not None and value < minimum:
            self.wrong(name, f"'{name}' is {minimum} or more, not {value}")
        return value

    def duration(self, name: str) -> timedelta | None:
        """A length of time."""
        text = self.text(name)
        if text is None:
            return None
        length = parse_duration(text)
        if length is None:
            meant = meant_duration(text)
            hint = f"Write it as {meant}." if meant else "Write it as 5m, 1h, 14d or PT5H."
            self.wrong(name, f"'{name}' is a length of time, not {_shown(text)}", hint=hint)
        return length

    def choice(self, name: str, choices: Mapping[str, T], default: T, known: Sequence[str] | None = None) -> T:
        """One of the named values; `choices` is by folded name, and `known` are the names that a finding tells, where not the values."""
        text = self.text(name)
        if text is None:
            return default
        found = choices.get(text.casefold())
        if found is None:
            self.wrong(
                name,
                f"'{text}' is not a value of '{name}'",
                known or [str(choice) for choice in choices.values()],
                text,
            )
            return default
        return found

    def values(self, name: str) -> list[JsonValue]:
        """A list; one value that is not a list counts as a list of one."""
        value = self.value.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty ones left out."""
        texts = []
        for value in self.values(name):
            if isinstance(value, str | int | float):
                if str(value).strip():
                    texts.append(str(value).strip())
            elif value is not None:
                self.wrong(name, f"'{name}' is a list of texts, and has a {_named(value)} in it")
        return tuple(texts)

    def text_mapping(self, name: str) -> dict[str, str]:
        """A mapping of names to texts."""
        value = self.value.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.wrong(name, f"'{name}' is a mapping of names to columns, not a {_named(value)}")
            return {}
        for key, entry in value.items():
            if not isinstance(entry, str):
                self.wrong(name, f"'{name}.{key}' names a column and is a text, not {_shown(entry)}")
        return {key: entry.strip() for key, entry in value.items() if isinstance(entry, str)}

    def part(self, name: str) -> FieldReader | None:
        """A mapping inside this one."""
        value = self.value.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(name, f"'{name}' is a mapping, not a {_named(value)}")
            return None
        return FieldReader(self._document.at((self._spelled.get(name, name),), value), self._problems, self, name)

    def parts(self, name: str) -> Iterator[FieldReader]:
        """The mappings of a list inside this one."""
        value = self.value.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(name, f"'{name}' is a list, not a {_named(value)}")
            return
        for index, entry in enumerate(value):
            if isinstance(entry, Mapping):
                yield FieldReader(
                    self._document.at((self._spelled.get(name, name), index), entry), self._problems, self, name
                )
            else:
                self.wrong(name, f"'{name}' is a list of mappings, and has a {_named(entry)} in it")

    def expect(self, known: Iterable[str], what: str) -> None:
        """Say which fields have a meaning. Their case is ignored, as ARM ignores it.

        An unknown field that is almost a known one which is absent is an error. Any other one is kept with the rule, or said to do
        nothing where it stands in a part of it.
        """
        names = list(known)
        folded = {name.casefold(): name for name in names}
        proper: dict[str, JsonValue] = {}
        for key, value in self.value.items():
            name = folded.get(key.casefold(), key)
            if name != key and name not in self.value:
                self._spelled[name] = key
                proper[name] = value
            else:
                proper[key] = value
        self.value = proper
        absent = [name for name in names if name not in proper]
        for key in proper:
            near = nearest(key, absent) if key not in names else None
            if near is not None and _alike(key, near):
                self._suspected.add(near)
                self.wrong(key, f"'{key}' is not a field of {what}", hint=f"Did you mean '{near}'?")
            elif key not in names and self._parent is not None:
                self.note(key, f"'{key}' is not a field of {what}, and does nothing here")

    def line(self, name: str) -> int | None:
        """The line on which the field stands."""
        return self._document.line((self._spelled.get(name, name),))

    def missing(self, name: str) -> None:
        """An error: the field must be there. Not said where it is, with a wrong value or a slip in its name."""
        if not self.lacks(name):
            return
        whose = f"'{self._what}'" if self._what else f"the rule{f' {self.label!r}' if self.label else ''}"
        self._add(RuleProblem(self._document.file, self._document.line(), f"{whose} has no '{name}'.", rule=self.label))

    def wrong(
        self,
        name: str,
        message: str,
        known: Iterable[str] = (),
        given: str = "",
        *,
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        """An error at a field; with `known`, the nearest known name to `given` is the hint, or all of a few."""
        names = list(dict.fromkeys(known))
        near = nearest(given, names) if names else None
        if near is not None:
            hint = f"Did you mean '{near}'?"
        elif names and hint is None:
            hint = f"Known are {', '.join(names)}."
        self._add(RuleProblem(self._document.file, self.line(name), f"{message}.", hint, self.label, code=code))

    def note(self, name: str, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        """A warning at a field; the rule is read all the same."""
        line = self.line(name)
        self._problems.append(
            RuleProblem(self._document.file, line, f"{message}.", hint, self.label, ProblemSeverity.WARNING, code)
        )

    def remark(self, message: str) -> None:
        """A warning at the mapping itself."""
        line = self._document.line()
        self._problems.append(
            RuleProblem(self._document.file, line, f"{message}.", None, self.label, ProblemSeverity.WARNING)
        )

    def _add(self, problem: RuleProblem) -> None:
        reader: FieldReader | None = self
        while reader is not None:
            reader.failed = True
            reader = reader._parent
        self._problems.append(problem)


def _storable(text: str) -> bool:
    """Whether a text can be kept: JSON can write NUL and lone surrogates, which no database takes."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _named(value: JsonValue) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "mapping"


def _shown(value: JsonValue) -> str:
    if isinstance(value, str | int | float):
        text = str(value)
        return f"'{text if len(text) <= 40 else text[:40] + '…'}'"
    return f"a {_named(value)}"


def _alike(given: str, known: str) -> bool:
    """Whether one is a slip of the other: equal but for case, or at most two letters off in a name of some length."""
    a, b = given.casefold(), known.casefold()
    if a == b:
        return True
    if abs(len(a) - len(b)) > 2 or min(len(a), len(b)) < 4:
        return False
    previous: list[int] = list(range(len(b) + 1))
    before: list[int] = []
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y))
            if before and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1] <= (2 if len(b) > 6 else 1)
