"""Parsing of expressions: precedence climbing over tokens."""

from __future__ import annotations

from vedette.kql import literals, syntax, ticks
from vedette.kql.diagnostics import Diagnostic, Stop
from vedette.kql.lexer import Token
from vedette.kql.types import TYPE_NAMES, Type

MAX_NESTING = 120
"""How deep parentheses, calls and functions may nest; deeper text is refused with KS245."""

_STRING_OPERATORS = frozenset(
    {
        negation + name + case
        for negation in ("", "!")
        for name in ("has", "hasprefix", "hassuffix", "contains", "startswith", "endswith", "like")
        for case in ("", "_cs")
    }
    | {"notcontains", "notcontainscs", "containscs", "notlike", "notlikecs", "likecs"}
)
_OLD = {"notcontains": "!contains", "notcontainscs": "!contains_cs", "containscs": "contains_cs", "<>": "!="}
_COMPARISONS = frozenset({"==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"})
_MEMBERSHIP = frozenset({"in", "!in", "in~", "!in~", "has_any", "has_all"})
_LITERAL_WORDS = {"true": True, "false": False}


class ExpressionParser:
    """The half of the parser that reads expressions."""

    text: str
    tokens: list[Token]
    at: int
    diagnostics: list[Diagnostic]

    def __init__(self) -> None:
        self._nesting = 0

    # -- tokens

    @property
    def here(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        """A token further on."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Takes the next token."""
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_op(self, text: str) -> bool:
        """Whether the next token is a symbol."""
        token = self.tokens[self.at]
        return token.text == text and token.kind == "op"

    def is_word(self, text: str) -> bool:
        """Whether the next token is a word."""
        token = self.tokens[self.at]
        return token.text == text and token.kind == "name"

    def accept(self, text: str) -> Token | None:
        """Takes a symbol if it is next."""
        return self.advance() if self.is_op(text) else None

    def accept_word(self, *words: str) -> Token | None:
        """Takes one of some words if it is next."""
        token = self.here
        return self.advance() if token.kind == "name" and token.text in words else None

    def expect(self, text: str) -> Token:
        """Takes a symbol that must be next."""
        if not self.is_op(text):
            raise self.missing(f"'{text}'")
        return self.advance()

    def expect_word(self, *words: str) -> Token:
        """Takes a word that must be next."""
        token = self.accept_word(*words)
        if token is None:
            raise self.missing(" or ".join(f"'{word}'" for word in words))
        return token

    def missing(self, what: str, code: str = "KS006") -> Stop:
        """The exception for something that should stand here."""
        token = self.here
        found = "the end of the query" if token.kind == "end" else f"'{token.text[:40]}'"
        return Stop(Diagnostic(code, f"Expected {what}, found {found}", token.start, max(1, token.end - token.start)))

    def end_of(self, start: int) -> int:
        """Where the text taken since `start` ends."""
        return self.tokens[self.at - 1].end if self.at else start

    # -- names

    def name(self, what: str = "a name") -> syntax.Name:
        """A name, bare or in brackets."""
        token = self.here
        if token.kind == "name":
            self.advance()
            return syntax.Name(token.text, start=token.start, end=token.end)
        if self.is_op("[") and self.ahead().kind == "string" and self.ahead(2).text == "]":
            start = self.advance().start
            value = self.advance().value
            end = self.advance().end
            assert isinstance(value, tuple)
            return syntax.Name(str(value[0]), True, start=start, end=end)
        raise self.missing(what, "KS017")

    def type_name(self) -> Type:
        """The name of a scalar type."""
        token = self.here
        type_ = TYPE_NAMES.get(token.text) if token.kind == "name" else None
        if type_ is None:
            raise self.missing("a type", "KS018")
        self.advance()
        return type_

    def column_declarations(self) -> list[syntax.ColumnDeclaration]:
        """`(name: type, ...)`, the parentheses included."""
        self.expect("(")
        declared: list[syntax.ColumnDeclaration] = []
        while not self.is_op(")"):
            name = self.name("a column")
            self.expect(":")
            type_ = self.type_name()
            declared.append(syntax.ColumnDeclaration(name, type_, start=name.start, end=self.end_of(name.start)))
            if not self.accept(","):
                break
        self.expect(")")
        return declared

    # -- expressions by precedence

    def expression(self) -> syntax.Expression:
        """An expression without assignment or pipe."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            token = self.here
            self._nesting = 0
            raise Stop(
                Diagnostic("KS245", "The query is nested too deeply", token.start, max(1, token.end - token.start))
            )
        try:
            return self._or()
        finally:
            self._nesting = max(0, self._nesting - 1)

    def named_expression(self, *, piped: bool = False) -> syntax.Expression:
        """An expression, or `name = expression`, or `(a, b) = expression`; `piped` where a table may stand."""
        token = self.here
        if (token.kind == "name" and self.ahead().kind == "op" and self.ahead().text == "=") or (
            token.text == "["
            and self.ahead().kind == "string"
            and self.ahead(2).text == "]"
            and self.ahead(3).text == "="
        ):
            name = self.name()
            self.expect("=")
            value = self.piped_expression() if piped else self.expression()
            return syntax.Assignment([name], value, start=name.start, end=value.end)
        if token.text == "(" and token.kind == "op":
            names = self._tuple_names()
            if names is not None:
                value = self.expression()
                return syntax.Assignment(names, value, True, start=token.start, end=value.end)
        return self.piped_expression() if piped else self.expression()

    def _tuple_names(self) -> list[syntax.Name] | None:
        saved = self.at
        self.advance()
        names: list[syntax.Name] = []
        while self.here.kind == "name":
            names.append(self.name())
            if not self.accept(","):
                break
        if names and self.is_op(")") and self.ahead().text == "=" and self.ahead().kind == "op":
            self.advance()
            self.advance()
            return names
        self.at = saved
        return None

    def piped_expression(self) -> syntax.Expression:
        """An expression where a table may stand (the other half of the parser reads pipes)."""
        return self.expression()

    def _or(self) -> syntax.Expression:
        left = self._and()
        while self.is_word("or"):
            token = self.advance()
            right = self._and()
            left = syntax.Binary(
                "or", left, right, start=left.start, end=right.end, op_start=token.start, op_end=token.end
            )
        return left

    def _and(self) -> syntax.Expression:
        left = self._relation()
        while self.is_word("and"):
            token = self.advance()
            right = self._relation()
            left = syntax.Binary(
                "and", left, right, start=left.start, end=right.end, op_start=token.start, op_end=token.end
            )
        return left

    def _relation(self) -> syntax.Expression:
        left = self._sum()
        while True:
            token = self.here
            word = token.text
            if token.kind == "op" and word in _COMPARISONS:
                self.advance()
                right = self._sum()
                left = self._binary(_OLD.get(word, word), left, right, token)
            elif word in _STRING_OPERATORS and token.kind in ("op", "name"):
                self.advance()
                right = self._sum()
                left = self._binary(_OLD.get(word, word), left, right, token)
            elif word == "matches" and token.kind == "name" and self.ahead().text == "regex":
                self.advance()
                self.advance()
                right = self._sum()
                left = self._binary("matches regex", left, right, token)
            elif word in ("in", "!in") and self.ahead().text == "~" and self.ahead().start == token.end:
                self.advance()
                self.advance()
                left = self._in(word + "~", left, token)
            elif word in _MEMBERSHIP and token.kind in ("op", "name"):
                self.advance()
                left = self._in(word, left, token)
            elif word in ("between", "!between"):
                self.advance()
                self.expect("(")
                low = self._sum()
                self.expect("..")
                high = self._sum()
                end = self.expect(")").end
                left = syntax.Between(left, low, high, word[0] == "!", start=left.start, end=end)
            elif word == ":" and token.kind == "op" and self.in_search:
                self.advance()
                right = self._sum()
                left = self._binary(":", left, right, token)
            else:
                return left

    in_search = False
    """Whether `column: term` is a search condition here."""

    def _binary(self, op: str, left: syntax.Expression, right: syntax.Expression, token: Token) -> syntax.Binary:
        return syntax.Binary(op, left, right, start=left.start, end=right.end, op_start=token.start, op_end=token.end)

    def _in(self, op: str, left: syntax.Expression, token: Token) -> syntax.Expression:
        if not self.is_op("("):
            item = self._sum()
            return syntax.In(op, left, [item], start=left.start, end=item.end, op_start=token.start, op_end=token.end)
        self.expect("(")
        items: list[syntax.Expression] = []
        while not self.is_op(")"):
            items.append(self.piped_expression())
            if not self.accept(","):
                break
        end = self.expect(")").end
        return syntax.In(op, left, items, start=left.start, end=end, op_start=token.start, op_end=token.end)

    def _sum(self) -> syntax.Expression:
        left = self._product()
        while self.here.kind == "op" and self.here.text in ("+", "-"):
            token = self.advance()
            left = self._binary(token.text, left, self._product(), token)
        return left

    def _product(self) -> syntax.Expression:
        left = self._unary()
        while self.here.kind == "op" and self.here.text in ("*", "/", "%"):
            token = self.advance()
            left = self._binary(token.text, left, self._unary(), token)
        return left

    def _unary(self) -> syntax.Expression:
        token = self.here
        if token.kind == "op" and token.text in ("-", "+"):
            self.advance()
            operand = self.expression_unary()
            if (
                isinstance(operand, syntax.Literal)
                and token.text == "-"
                and operand.value is not None
                and (operand.type in (Type.LONG, Type.INT, Type.REAL, Type.TIMESPAN, Type.DECIMAL))
            ):
                return syntax.Literal(operand.type, -operand.value, start=token.start, end=operand.end)  # type: ignore[operator]
            return syntax.Unary(token.text, operand, start=token.start, end=operand.end)
        return self._postfix()

    def expression_unary(self) -> syntax.Expression:
        """The operand of a sign; counted, since signs nest."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self._nesting = 0
            raise Stop(Diagnostic("KS245", "The query is nested too deeply", self.here.start, 1))
        try:
            return self._unary()
        finally:
            self._nesting = max(0, self._nesting - 1)

    def _postfix(self) -> syntax.Expression:
        node = self._primary()
        while True:
            if self.is_op(".") and self.ahead().text == "[" and self.ahead().kind == "op":
                # `a.[0]` is an old spelling of `a[0]`
                self.advance()
            elif self.is_op("."):
                self.advance()
                name = self.name("a property")
                if self.is_op("("):
                    call = self._call(name)
                    node = syntax.DotCall(node, call, start=node.start, end=call.end)
                else:
                    node = syntax.Member(node, name, start=node.start, end=name.end)
            elif self.is_op("[") and not isinstance(node, syntax.Literal):
                self.advance()
                index = self.expression()
                end = self.expect("]").end
                node = syntax.Index(node, index, start=node.start, end=end)
            else:
                return node

    def _primary(self) -> syntax.Expression:
        token = self.here
        kind = token.kind
        if kind == "string":
            return self._string()
        if kind == "long":
            self.advance()
            return self._long(token)
        if kind == "real":
            self.advance()
            return syntax.Literal(Type.REAL, float(token.text), start=token.start, end=token.end)
        if kind in ("timespan", "typed"):
            self.advance()
            return self._typed(token)
        if kind == "name":
            return self._word(token)
        if token.text == "(":
            return self._parenthesised()
        if token.text == "[" and self.ahead().kind == "string":
            name = self.name()
            return self._call(name) if self.is_op("(") else name
        if token.text == "*":
            self.advance()
            return syntax.Star(start=token.start, end=token.end)
        raise self.missing("an expression")

    def _parenthesised(self) -> syntax.Expression:
        self.expect("(")
        node = self.piped_expression()
        self.expect(")")
        return node

    def _string(self) -> syntax.Literal:
        first = self.here
        parts: list[str] = []
        hidden = False
        while self.here.kind == "string":
            token = self.advance()
            assert isinstance(token.value, tuple)
            parts.append(str(token.value[0]))
            hidden = hidden or bool(token.value[1])
        return syntax.Literal(Type.STRING, "".join(parts), hidden, start=first.start, end=self.end_of(first.start))

    def _long(self, token: Token) -> syntax.Literal:
        value = int(token.text, 16 if token.text[:2].lower() == "0x" else 10)
        if value >= 2**63:
            if value < 2**64 and token.text[:2].lower() == "0x":
                value -= 2**64
            else:
                raise Stop(
                    Diagnostic("KS007", f"'{token.text}' does not fit into a long", token.start, len(token.text))
                )
        return syntax.Literal(Type.LONG, value, start=token.start, end=token.end)

    def _typed(self, token: Token) -> syntax.Literal:
        try:
            if token.kind == "timespan":
                type_, value = Type.TIMESPAN, literals.timespan_value(token.text)
            else:
                type_, value = literals.typed_value(token.text)  # type: ignore[assignment]
        except literals.BadLiteral as bad:
            raise Stop(Diagnostic("KS007", str(bad), token.start, token.end - token.start)) from None
        return syntax.Literal(type_, value, start=token.start, end=token.end)

    def _word(self, token: Token) -> syntax.Expression:
        word = token.text
        following = self.ahead()
        if word in _LITERAL_WORDS and following.text != "(":
            self.advance()
            return syntax.Literal(Type.BOOL, _LITERAL_WORDS[word], start=token.start, end=token.end)
        if following.kind == "op" and following.text == "(":
            if word == "dynamic":
                return self._dynamic()
            if word == "typeof":
                return self._typeof()
            if word == "datatable":
                return self.datatable()
            if word == "externaldata":
                return self.externaldata()
        if word == "datatable" and following.text in ("(", "["):
            return self.datatable()
        name = self.name()
        if self.is_op("("):
            return self._call(name)
        return name

    def _call(self, name: syntax.Name) -> syntax.Call:
        self.expect("(")
        args: list[syntax.Expression] = []
        while not self.is_op(")"):
            args.append(self.argument())
            if not self.accept(","):
                break
        end = self.expect(")").end
        return syntax.Call(name, args, start=name.start, end=end)

    def argument(self) -> syntax.Expression:
        """An argument of a call: an expression, a named one, or a table."""
        return self.named_expression(piped=True)

    def _typeof(self) -> syntax.TypeOf:
        start = self.advance().start
        self.expect("(")
        columns: list[syntax.ColumnDeclaration] = []
        type_: Type | None = None
        star = False
        while not self.is_op(")"):
            if self.accept("*"):
                star = True
            elif self.here.kind == "name" and self.ahead().text == ":":
                name = self.name()
                self.expect(":")
                columns.append(syntax.ColumnDeclaration(name, self.type_name(), start=name.start))
            else:
                type_ = self.type_name()
            if not self.accept(","):
                break
        end = self.expect(")").end
        return syntax.TypeOf(type_, columns, star, start=start, end=end)

    def datatable(self) -> syntax.DataTable:
        """`datatable (columns) [values]`."""
        start = self.advance().start
        columns = self.column_declarations()
        if self.accept_word("with"):
            self._skip_parentheses()
        self.expect("[")
        values: list[syntax.Expression] = []
        while not self.is_op("]"):
            values.append(self.expression())
            if not self.accept(","):
                break
        end = self.expect("]").end
        return syntax.DataTable(columns, values, start=start, end=end)

    def externaldata(self) -> syntax.ExternalData:
        """`externaldata (columns) [uris] with (properties)`."""
        start = self.advance().start
        columns = self.column_declarations()
        self.expect("[")
        uris: list[syntax.Expression] = []
        while not self.is_op("]"):
            uris.append(self.expression())
            if not self.accept(","):
                break
        self.expect("]")
        properties: dict[str, syntax.Expression] = {}
        if self.accept_word("with"):
            self.expect("(")
            while not self.is_op(")"):
                name = self.name()
                self.expect("=")
                properties[name.name] = self.expression()
                if not self.accept(","):
                    break
            self.expect(")")
        return syntax.ExternalData(columns, uris, properties, start=start, end=self.end_of(start))

    def _skip_parentheses(self) -> None:
        depth = 0
        while self.here.kind != "end":
            token = self.advance()
            depth += (token.text == "(") - (token.text == ")")
            if depth == 0:
                return

    # -- dynamic literals: JSON with KQL literals inside (rule 61)

    def _dynamic(self) -> syntax.Literal:
        start = self.advance().start
        self.expect("(")
        value = self._dynamic_value(0)
        end = self.expect(")").end
        return syntax.Literal(Type.DYNAMIC, value, start=start, end=end)

    def _dynamic_value(self, depth: int) -> object:
        if depth > MAX_NESTING:
            raise Stop(Diagnostic("KS245", "The literal is nested too deeply", self.here.start, 1))
        token = self.here
        if self.accept("["):
            items: list[object] = []
            while not self.is_op("]"):
                items.append(self._dynamic_value(depth + 1))
                if not self.accept(","):
                    break
            self.expect("]")
            return items
        if self.accept("{"):
            bag: dict[str, object] = {}
            while not self.is_op("}"):
                if self.here.kind == "string":
                    key = str(self._string().value)
                else:
                    key = self.name("a key").name
                self.expect(":")
                bag[key] = self._dynamic_value(depth + 1)
                if not self.accept(","):
                    break
            self.expect("}")
            return bag
        if token.kind == "name" and token.text in ("null", "true", "false"):
            self.advance()
            return {"null": None, "true": True, "false": False}[token.text]
        sign = -1 if self.accept("-") else 1
        if sign == 1:
            self.accept("+")
        literal = self._primary()
        if not isinstance(literal, syntax.Literal):
            raise Stop(
                Diagnostic("KS007", "A literal is expected inside dynamic()", token.start, token.end - token.start)
            )
        value = literal.value
        if literal.type is Type.DATETIME and isinstance(value, int):
            return ticks.format_datetime(value)
        if literal.type is Type.DECIMAL and value is not None:
            return float(str(value)) * sign
        return -value if sign < 0 and isinstance(value, int | float) else value
