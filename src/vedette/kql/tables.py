"""Tables written in the text: `datatable` and `externaldata`.

Source: the KQL pages "datatable operator" and "externaldata operator".
"""

from __future__ import annotations

from vedette.kql.literals import LiteralParser
from vedette.kql.syntax import DataTable, Expression, ExternalData


class TableParser(LiteralParser):
    """Reads tables; what may be any expression goes to `pipeline`, which `Parser` adds."""

    __slots__ = ()

    def pipeline(self) -> Expression | None:
        """A tabular or scalar expression."""
        raise NotImplementedError

    def data_table(self) -> DataTable:
        """`datatable (name: type, ...) [values]`; commas may lead and trail."""
        start = self.start
        self.i += 1
        columns = self.row_schema()
        values: list[Expression] = []
        if self.expect("["):
            self.take(",")
            values = self.comma_list(self.literal, self.missing_expression, required=False, trailing=True)
            self.close("]")
        return DataTable(columns, values, start=start, end=self.last_end)

    def external_data(self) -> ExternalData:
        """`externaldata (name: type, ...) [uris] with (property = value, ...)`."""
        start = self.start
        self.i += 1
        columns = self.row_schema()
        uris: list[Expression] = []
        if self.expect("["):
            uris = self.comma_list(self.pipeline, self.missing_expression, required=False, trailing=True)
            self.close("]")
        properties = self.properties() if self.kinds[self.i] == "with" else {}
        return ExternalData(columns, uris, properties, start=start, end=self.last_end)

    def properties(self) -> dict[str, Expression]:
        """`with (name = value, ...)`; a value is a constant or a word."""
        self.i += 1
        found: list[tuple[str, Expression]] = []
        if self.expect("("):
            found = self.comma_list(self._property, self._missing_property, required=False)
            self.close(")")
        return dict(found)

    def _property(self) -> tuple[str, Expression] | None:
        name = self.wide_name()
        if name is None:
            return None
        self.expect("=")
        return name.name, self.literal() or self.wide_name() or self.missing("value")

    def _missing_property(self) -> tuple[str, Expression]:
        gap = self.missing("property (name = value)")
        return "", gap
