"""The parser: statements, pipelines and recovery from errors."""

from __future__ import annotations

import functools

from vedette.kql import syntax
from vedette.kql.diagnostics import Diagnostic, Stop, nearest
from vedette.kql.expressions import ExpressionParser
from vedette.kql.lexer import tokenize
from vedette.kql.types import TYPE_NAMES, Type


def parse(text: str) -> tuple[syntax.Script, list[Diagnostic]]:
    """The syntax tree of a text and what is wrong in it; never raises."""
    parser = Parser(text)
    script = parser.script()
    parser.diagnostics.sort(key=lambda diagnostic: diagnostic.start)
    return script, parser.diagnostics


@functools.cache
def _operators() -> dict[str, object]:
    from vedette.kql.operators.registry import OPERATOR_PARSERS

    return dict(OPERATOR_PARSERS)


_HEADS = frozenset({"print", "range", "union", "search", "find", "evaluate"})


class Parser(ExpressionParser):
    """Reads one text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tokens, self.diagnostics = tokenize(text)
        self.at = 0

    def script(self) -> syntax.Script:
        """All statements; after an error it goes on behind the next semicolon."""
        statements: list[syntax.Statement] = []
        while self.here.kind != "end":
            if self.accept(";"):
                continue
            try:
                statements.append(self.statement())
                if self.here.kind != "end" and not self.is_op(";"):
                    raise self.missing("';' or '|'", "KS002")
            except Stop as stop:
                self.diagnostics.append(stop.diagnostic)
                self._recover()
            except RecursionError:
                token = self.here
                self.diagnostics.append(Diagnostic("KS245", "The query is nested too deeply", token.start, 1))
                self._recover()
        return syntax.Script(statements, start=0, end=len(self.text))

    def _recover(self) -> None:
        depth = 0
        while self.here.kind != "end":
            token = self.here
            if token.text in "([{" and token.kind == "op":
                depth += 1
            elif token.text in ")]}" and token.kind == "op":
                depth = max(0, depth - 1)
            elif token.text == ";" and depth == 0:
                return
            self.advance()

    # -- statements

    def statement(self) -> syntax.Statement:
        """One statement."""
        token = self.here
        following = self.ahead()
        if token.kind == "name" and following.kind in ("name", "op"):
            if token.text == "let" and (following.kind == "name" or following.text == "["):
                return self._let()
            if token.text == "set" and following.kind == "name":
                return self._set()
            if token.text == "declare" and following.kind == "name":
                return self._declare()
            if token.text == "alias" and following.text == "database":
                self.advance()
                self.advance()
                name = self.name()
                self.expect("=")
                value = self.expression()
                return syntax.AliasStatement(name, value, start=token.start, end=value.end)
            if token.text == "restrict" and following.text == "access":
                return self._restrict()
        expression = self.piped_expression()
        return syntax.ExpressionStatement(expression, start=token.start, end=expression.end)

    def _let(self) -> syntax.LetStatement:
        start = self.advance().start
        name = self.name()
        self.expect("=")
        value = self._function() if self._is_function() else self.piped_expression()
        return syntax.LetStatement(name, value, start=start, end=value.end)

    def _is_function(self) -> bool:
        if self.is_word("view") and self.ahead().text == "(":
            return True
        if not self.is_op("("):
            return False
        first, second = self.ahead(), self.ahead(2)
        if first.text == ")" and second.text == "{":
            return True
        return (first.kind == "name" and second.text == ":") or (first.text == "[" and self.ahead(4).text == ":")

    def _function(self) -> syntax.FunctionLiteral:
        start = self.here.start
        view = self.accept_word("view") is not None
        parameters = self.parameters()
        self.expect("{")
        self._nesting += 1
        body: list[syntax.Statement] = []
        while not self.is_op("}"):
            if self.accept(";"):
                continue
            if self.here.kind == "end":
                raise self.missing("'}'")
            body.append(self.statement())
            if not self.is_op("}"):
                self.expect(";")
        self._nesting -= 1
        end = self.expect("}").end
        return syntax.FunctionLiteral(parameters, body, view, start=start, end=end)

    def parameters(self) -> list[syntax.Parameter]:
        """`(name: type = default, T: (column: type, ...), ...)`."""
        self.expect("(")
        parameters: list[syntax.Parameter] = []
        while not self.is_op(")"):
            name = self.name("a parameter")
            self.expect(":")
            parameter = syntax.Parameter(name, None, start=name.start)
            if self.is_op("("):
                parameter.tabular = True
                if self.ahead().text == "*":
                    self.advance()
                    self.advance()
                    self.expect(")")
                else:
                    parameter.columns = self.column_declarations()
            elif self.here.kind == "typed":
                raise self.missing("a type", "KS018")
            else:
                parameter.type = self.type_name()
                if self.accept("="):
                    parameter.default = self.expression()
            parameter.end = self.end_of(name.start)
            parameters.append(parameter)
            if not self.accept(","):
                break
        self.expect(")")
        return parameters

    def _set(self) -> syntax.SetStatement:
        start = self.advance().start
        name = self.name("an option")
        value: syntax.Expression | None = None
        if self.accept("="):
            value = self.expression()
        return syntax.SetStatement(name, value, start=start, end=self.end_of(start))

    def _declare(self) -> syntax.Statement:
        start = self.advance().start
        if self.accept_word("query_parameters"):
            parameters = self.parameters()
            return syntax.QueryParametersStatement(parameters, start=start, end=self.end_of(start))
        self.expect_word("pattern")
        return self._pattern(start)

    def _pattern(self, start: int) -> syntax.PatternStatement:
        name = self.name()
        statement = syntax.PatternStatement(name, [], None, [], start=start)
        if self.accept("="):
            statement.parameters = self.parameters()
            if self.accept("["):
                path = self.name()
                self.expect(":")
                statement.path = syntax.Parameter(path, self.type_name(), start=path.start)
                self.expect("]")
            self.expect("{")
            while not self.is_op("}"):
                statement.cases.append(self._pattern_case())
                self.accept(";")
            self.expect("}")
        statement.end = self.end_of(start)
        return statement

    def _pattern_case(self) -> syntax.PatternCase:
        start = self.expect("(").start
        values: list[syntax.Expression] = []
        while not self.is_op(")"):
            values.append(self.expression())
            if not self.accept(","):
                break
        self.expect(")")
        path: syntax.Expression | None = None
        if self.accept("."):
            self.expect("[")
            path = self.expression()
            self.expect("]")
        self.expect("=")
        self.expect("{")
        body: list[syntax.Statement] = []
        while not self.is_op("}"):
            body.append(self.statement())
            self.accept(";")
        end = self.expect("}").end
        return syntax.PatternCase(values, path, body, start=start, end=end)

    def _restrict(self) -> syntax.RestrictStatement:
        start = self.advance().start
        self.advance()
        self.expect_word("to")
        self.expect("(")
        entities: list[syntax.Expression] = []
        while not self.is_op(")"):
            entities.append(self.wildcard_or_expression())
            if not self.accept(","):
                break
        end = self.expect(")").end
        return syntax.RestrictStatement(entities, start=start, end=end)

    # -- pipelines

    def piped_expression(self) -> syntax.Expression:
        """An expression and the operators after it, or a pipeline that an operator heads."""
        token = self.here
        head = self._head()
        if head is not None:
            pipeline = syntax.Pipeline(None, [head], start=token.start, end=head.end)
        else:
            expression = self.expression()
            if not self.is_op("|"):
                return expression
            pipeline = syntax.Pipeline(expression, [], start=token.start, end=expression.end)
        while self.accept("|"):
            pipeline.operators.append(self.operator())
        pipeline.end = self.end_of(token.start)
        return pipeline

    def _head(self) -> syntax.Operator | None:
        token = self.here
        if token.kind != "name" or token.text not in _HEADS:
            return None
        following = self.ahead()
        if (following.text in ("=", ".", "|", ",", ")", ";") and following.kind == "op") or following.kind == "end":
            return None
        if token.text in ("range", "evaluate") and following.text == "(":
            return None
        return self.operator()

    def operator_name(self) -> str:
        """The name of the operator that is next; hyphenated ones are several tokens."""
        token = self.here
        if token.kind != "name":
            return ""
        name, at = token.text, self.at
        known = _operators()
        longest, taken = (name, 1) if name in known else ("", 0)
        while (
            self.tokens[at + 1].text == "-"
            and self.tokens[at + 2].kind == "name"
            and (self.tokens[at + 2].start == self.tokens[at].end + 1)
        ):
            at += 2
            name += "-" + self.tokens[at].text
            if name in known:
                longest, taken = name, at - self.at + 1
        if not longest or len(name) > len(longest):
            longest, taken = name, at - self.at + 1
        self.at += taken
        return longest

    def operator(self) -> syntax.Operator:
        """One tabular operator."""
        token = self.here
        name = self.operator_name()
        reader = _operators().get(name)
        if reader is None:
            if not name:
                raise self.missing("an operator", "KS005")
            close = nearest(name, [str(key) for key in _operators()])
            hint = f"; did you mean '{close}'?" if close else ""
            raise Stop(Diagnostic("KS005", f"'{name}' is not a query operator{hint}", token.start, len(name)))
        operator: syntax.Operator = reader(self, token.start)  # type: ignore[operator]
        operator.start, operator.end = token.start, self.end_of(token.start)
        return operator

    # -- pieces that several operators share

    def comma_list(self) -> list[syntax.Expression]:
        """Expressions, named or not, with commas between; a trailing comma is forgiven as Kusto does."""
        items = [self.named_expression()]
        while self.accept(","):
            if self.is_op("|") or self.here.kind == "end" or self.is_op(")") or self.is_word("by"):
                break
            items.append(self.named_expression())
        return items

    def options(self, *names: str) -> dict[str, syntax.Expression]:
        """`name = value` properties, `hint.x = value` among them."""
        found: dict[str, syntax.Expression] = {}
        while self.here.kind == "name":
            token = self.here
            if token.text == "hint" and self.ahead().text == "." and self.ahead(3).text == "=":
                self.advance()
                self.advance()
                key = "hint." + self.advance().text
            elif token.text in names and self.ahead().text == "=":
                key = self.advance().text
            else:
                break
            self.expect("=")
            found[key] = self.option_value()
        return found

    def option_value(self) -> syntax.Expression:
        """The value of a property: a word or a literal."""
        token = self.here
        if token.kind == "name":
            return self.name()
        return self._primary()

    def option_word(self, options: dict[str, syntax.Expression], name: str) -> str | None:
        """A property that is a word."""
        value = options.get(name)
        if isinstance(value, syntax.Name):
            return value.name
        return str(value.value) if isinstance(value, syntax.Literal) else None

    def wildcard_or_expression(self) -> syntax.Expression:
        """A name pattern (`a*`, `*b`), `*`, or an expression."""
        token = self.here
        end = self.at
        seen_star = False
        while True:
            current = self.tokens[end]
            if end > self.at and current.start != self.tokens[end - 1].end:
                break
            if current.kind == "op" and current.text == "*":
                seen_star = True
            elif current.kind not in ("name", "long"):
                break
            end += 1
        if seen_star:
            last = self.tokens[end - 1]
            self.at = end
            text = self.text[token.start : last.end]
            if text == "*":
                return syntax.Star(start=token.start, end=last.end)
            return syntax.Wildcard(text, start=token.start, end=last.end)
        return self.named_expression()

    def wildcard_list(self) -> list[syntax.Expression]:
        """Name patterns and names with commas between."""
        items = [self.wildcard_or_expression()]
        while self.accept(","):
            items.append(self.wildcard_or_expression())
        return items

    def ordered_list(self) -> list[syntax.Expression]:
        """Sort keys: `expression [asc|desc] [nulls first|last]`."""
        items = [self._ordered()]
        while self.accept(","):
            items.append(self._ordered())
        return items

    def _ordered(self) -> syntax.Expression:
        value = self.named_expression()
        node = syntax.Ordered(value, start=value.start, end=value.end)
        if self.is_word("asc") or self.is_word("desc"):
            node.descending = self.advance().text == "desc"
        if self.accept_word("nulls"):
            node.nulls_first = self.expect_word("first", "last").text == "first"
        node.end = self.end_of(value.start)
        return node

    def subquery(self) -> syntax.Pipeline:
        """Operators without a source, as `mv-apply ... on (...)` has them."""
        start = self.here.start
        operators = [self.operator()]
        while self.accept("|"):
            operators.append(self.operator())
        return syntax.Pipeline(None, operators, start=start, end=self.end_of(start))

    def parse_pattern_item(self) -> syntax.Node:
        """One item of a pattern of `parse`: `*`, a text, or a column with its type."""
        token = self.here
        if self.accept("*"):
            return syntax.Star(start=token.start, end=token.end)
        if token.kind == "string":
            return self._string()
        name = self.name("a column or a text")
        type_ = Type.STRING
        if self.accept(":"):
            type_ = self.type_name()
        return syntax.ColumnDeclaration(name, type_, start=name.start, end=self.end_of(name.start))

    def is_type(self) -> bool:
        """Whether a type's name is next."""
        return self.here.kind == "name" and self.here.text in TYPE_NAMES
