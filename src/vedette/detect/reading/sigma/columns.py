"""The columns of one table that stand for the fields of a Sigma rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from vedette.detect.reading.sigma.legs import EventData, Leg
from vedette.detect.reading.sigma.unmapped import Missing, Unmapped
from vedette.kql.text_literal import text_literal
from vedette.store.catalog import schema

NUMERIC: Final = frozenset({"int", "long", "real", "decimal"})
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*\Z")
_NESTED: Final = re.compile(r"%([A-Za-z]\w*)%")
_KEYWORDS: Final = frozenset(
    {"by", "and", "or", "in", "on", "as", "of", "to", "asc", "desc", "is", "not", "true", "false", "null"}
)

UNESCAPED: Final = (
    "let unescaped = (value: string) { replace_string(replace_string(replace_string(replace_string(replace_string("
    "value, '&lt;', '<'), '&gt;', '>'), '&quot;', '\"'), '&apos;', \"'\"), '&amp;', '&') };"
)
"""What the values of XML elements are read with."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field in a table: how it is shown, how it is spoken of in conditions, and its KQL type."""

    shown: str
    name: str
    type: str


def shown_name(field: str) -> str:
    """A Sigma field's name as that of a column: ``cs-uri`` is ``cs_uri``."""
    name = re.sub(r"\W", "_", field)
    return f"_{name}" if not name or name[0].isdigit() or name.casefold() in _KEYWORDS else name


class LegColumns:
    """The fields of a rule in one leg; each is found once and computed once."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        known = schema(leg.table) or ()
        self._schema = {field.name: str(field.type) for field in known}
        self._folded = {name.casefold(): name for name in self._schema}
        self._found: dict[str, Column] = {}
        self.computed: dict[str, str] = {}
        """Name → expression of what an `extend` makes."""

    @property
    def found(self) -> dict[str, Column]:
        """The fields that were asked for, folded, with their columns."""
        return dict(self._found)

    @property
    def reads_xml(self) -> bool:
        """Whether an expression uses `unescaped`."""
        return any("unescaped(" in text for text in self.computed.values())

    def of(self, field: str) -> Column:
        """The column of a field; `Unmapped` names one that the table does not have."""
        folded = field if field in self.leg.fields else field.casefold()
        if folded not in self._found:
            self._found[folded] = self._column(field)
        return self._found[folded]

    def expression(self, text: str) -> str:
        """What the entry of a table of fields or entities says, as KQL: a column, a value of the event's data, an expression."""
        if _IDENTIFIER.match(text) and text not in self._schema:
            return self.of(text).name
        return _NESTED.sub(lambda match: self._data(match[1]), text)

    def _column(self, field: str) -> Column:
        names = (field, field.casefold(), field.casefold().removeprefix("properties."))
        shown, text = (
            shown_name(field),
            next((self.leg.fields[name] for name in names if name in self.leg.fields), None),
        )
        if text is not None:
            if text in self._schema:
                return Column(shown, text, self._schema[text])
            return self._compute(shown, self.expression(text), "long" if text.startswith("tolong(") else "string")
        if self.leg.columns:
            found = self._of_table(field)
            if found is not None and found in self._schema:
                return Column(shown, found, self._schema[found])
            if found is not None:
                return self._compute(shown, found, "string")
        if self.leg.data is EventData.NONE:
            raise Unmapped(f"{self.leg.table} has no field '{field}'", Missing("field", field))
        return self._compute(shown, self._data(field), "string")

    def _compute(self, shown: str, expression: str, type_: str) -> Column:
        name = shown
        while name in self._schema or name in self.computed:
            name += "_"
        self.computed[name] = expression
        return Column(shown, name, type_)

    def _of_table(self, field: str) -> str | None:
        """The column of a name, or a path into one that holds JSON; ``properties.`` is the envelope of Azure's logs."""
        text = field.removeprefix("properties.")
        found = self._folded.get(text.casefold()) or self._folded.get(text.replace(".", "").replace("-", "").casefold())
        if found is not None:
            return found
        first, *path = text.split(".")
        column = self._folded.get(first.casefold())
        if column is None or not path or self._schema[column] not in ("dynamic", "string"):
            return None
        steps = "".join(f"[{text_literal(step)}]" for step in path)
        return f"tostring(parse_json({column}){steps})"

    def _data(self, field: str) -> str:
        column, name = self.leg.data_column, re.escape(field)
        if self.leg.data is EventData.BAG:
            return f"tostring({column}[{text_literal(field)}])"
        if self.leg.data is EventData.AUDIT:
            pattern = rf'(?:^|[ (]){name}=("[^"]*"|[^ ]*)'
            return f"trim('\"', extract({text_literal(pattern)}, 1, {column}))"
        pattern = f"<Data Name=[\"']{name}[\"'][^>]*>([^<]*)<"
        return f"unescaped(extract({text_literal(pattern)}, 1, {column}))"
