"""Infix text to a syntax tree: operator precedence with an explicit stack, in time linear in the text.

The parser alternates between two states. When it needs an operand, it takes a number or a name, or opens something: a sign, a bracket, a
call. When it has an operand, the next operator closes what binds tighter, then opens itself. What is open stands on a stack, so that
depth costs memory and never meets a recursion limit. Multiplication is always written: `3 x` is refused, at the x.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, DecimalException
from fractions import Fraction
from keyword import iskeyword
from typing import NoReturn

from symgd.errors import FormulaError, SymgdError
from symgd.language import pending
from symgd.language.limits import Limits
from symgd.language.names import RESERVED
from symgd.language.pending import Bracket, Chained, Choice, Compared, Open, Raised, Signed
from symgd.language.syntax import Call, Comparison, Equation, Name, Node, Number, Transpose
from symgd.language.tokens import END, FAULT, NAME, NUMBER, OPERATOR, Token, tokens_of

# What binds tighter has the greater number. Postfix `'`, calls and entries `x[i]` bind tightest; powers group from the right, the rest from
# the left; comparisons do not chain.
BINDING = {
    "if": pending.CHOICE,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), pending.COMPARISON),
    **dict.fromkeys(("+", "-"), pending.SUM),
    **dict.fromkeys(("*", "@", "/", "\\", ".*", "./"), pending.PRODUCT),
    **dict.fromkeys(("^", "**", ".^"), pending.POWER),
}

_OPERAND = "expected a number, a name or an opening bracket"
_HINTS = {
    "\\": "A\\b is inv(A)*b.",
    "{": "Group with ( ), and write entries and vectors with [ ].",
    "}": "Group with ( ), and write entries and vectors with [ ].",
    "..": "A range stands in an index sum: sum(i=1..n, x[i]).",
    ";": "Write one formula at a time; rows of a matrix stand in brackets: [1, 2; 3, 4].",
    ",": "A vector is written with brackets: [x, y].",
    "=": "A formula is a value. To check an equation, pass it to symgd.check.",
    "and": "Put one conditional inside another: (a if y > 0 else b) if x > 0 else b.",
    "or": "Put one conditional inside another: a if x > 0 else (a if y > 0 else b).",
    "not": "Write a conditional with the opposite comparison.",
    "for": "A sum over an index is sum(i=1..n, x[i]).",
}
_NO_LIMITS = Limits()


def parse_formula(text: str, limits: Limits = _NO_LIMITS) -> Node:
    """The syntax tree of one formula. Raises `FormulaError` at the first fault, `LimitError` where the text is too large."""
    return parse_tokens(text, tokens_of(text, limits), limits)


def parse_claim(text: str, limits: Limits = _NO_LIMITS) -> Equation:
    """The syntax tree of one equation, `left = right`."""
    parser = _Parser(text, tokens_of(text, limits), limits, equation=True)
    right = parser.run()
    if parser.left is None:
        if isinstance(right, Comparison) and right.operator == "==":
            error = FormulaError("unexpected '==': a claim is written with one '='.", hint="Write left = right.")
            raise error.at(text, right.operator_start, right.operator_start + 2)
        end = parser.token.start
        raise FormulaError("missing '=': a claim is an equation, left = right.", hint="Write what the left side equals.").at(text, end, end)
    left = _value(text, parser.left)
    return Equation(left, _value(text, right), left.start, right.end)


def parse_tokens(text: str, tokens: Iterable[Token], limits: Limits) -> Node:
    """The syntax tree of the tokens of a formula inside `text`; the last token is the end, or a fault."""
    return _value(text, _Parser(text, tokens, limits).run())


def exact_number(written: str, limits: Limits) -> Fraction:
    """The number that a decimal says exactly. Raises `LimitError`, without a place, where it is too long or too large."""
    try:
        value = Decimal(written)
        exponent = value.adjusted() if value else 0
    except DecimalException:
        raise limits.exceeded("magnitude", "the exponent of a number is too large") from None
    if abs(exponent) > limits.magnitude:
        raise limits.exceeded("magnitude", f"the number is too {'large' if exponent > 0 else 'small'}")
    if len(value.as_tuple().digits) > limits.digits:
        raise limits.exceeded("digits", "the number is too long")
    return Fraction(*value.as_integer_ratio())


def _value(text: str, node: Node) -> Node:
    """The node, unless it is a condition, which is no value."""
    if isinstance(node, Comparison):
        error = FormulaError(
            f"unexpected '{node.operator}': a comparison is not a value.",
            hint=f"Write it as the condition of a conditional: a if x {node.operator} 1 else b.",
        )
        raise error.at(text, node.operator_start, node.operator_start + len(node.operator))
    return node


class _Parser:
    """The state between two tokens: what is open, and the operand that was read last with the place it takes, brackets included."""

    def __init__(self, text: str, tokens: Iterable[Token], limits: Limits, *, equation: bool = False) -> None:
        self.text, self.limits, self.equation = text, limits, equation
        self.following = iter(tokens).__next__
        self.before: Token | None = None
        self.token = self.following()
        self.open: list[Open] = []
        self.depth = 0
        self.nodes = 0
        self.left: Node | None = None  # the left side of an equation
        self.numbers: dict[str, Fraction] = {}
        self.node: Node
        self.start = self.end = 0

    def run(self) -> Node:
        if self.token.kind == END:
            end = self.token.start
            raise FormulaError("empty formula: expected a value.", hint="Write one, such as x^2 + 1.").at(self.text, end, end)
        while True:
            self.take_operand()
            while self.token.kind != END:
                if self.take_operator():
                    break
            else:
                return self.ended()

    def ended(self) -> Node:
        """The node that is complete at the end of the text."""
        self.reduce(pending.CHOICE)
        if self.open:
            self.refuse_unclosed()
        return self.node

    def advance(self) -> None:
        self.before = self.token
        self.token = self.following()

    # ---- an operand is needed

    def take_operand(self) -> None:
        """Read up to the end of one operand, opening what stands before it."""
        while True:
            token = self.token
            kind, value, start, end, _ = token
            if kind == NUMBER:
                self.set(Number(self.number(token), start, end), start, end)
                return self.advance()
            if kind == NAME and value not in RESERVED:
                began = self.begins_argument()
                self.advance()
                if self.token.value == "(":
                    if self.take_call(token):
                        return None
                elif self.token.value == "=" and began:
                    self.bracket().binding = token
                    self.advance()
                else:
                    return self.set(Name(value, start, end), start, end)
            elif value in ("-", "+"):
                self.push(Signed(value, start))
                self.advance()
            elif value in ("(", "["):
                self.push(Bracket("group" if value == "(" else "list", token, token))
                self.advance()
            else:
                self.refuse_operand(token)

    def take_call(self, name: Token) -> bool:
        """Open a call; is it complete already, without arguments?"""
        opening = self.token
        self.push(Bracket("call", name, opening))
        self.advance()
        if self.token.value != ")":
            return False
        self.open.pop()
        self.depth -= 1
        self.set(Call(name.value, (), (), name.start, self.token.end), name.start, self.token.end)
        self.advance()
        return True

    def number(self, token: Token) -> Fraction:
        found = self.numbers.get(token.value)
        if found is None:
            try:
                found = self.numbers[token.value] = exact_number(token.value, self.limits)
            except SymgdError as error:
                raise error.at(self.text, token.start, token.end) from None
        return found

    def begins_argument(self) -> bool:
        """Does an argument of a call begin at this token, so that it may be `name=…`?"""
        if not self.open or self.before is None or self.before.value not in ("(", ","):
            return False
        last = self.open[-1]
        return isinstance(last, Bracket) and last.kind == "call"

    def refuse_operand(self, token: Token) -> NoReturn:
        if token.kind == FAULT and token.error:
            raise token.error
        before = self.before
        if token.kind == END and self.open and isinstance(self.open[-1], Bracket) and before is self.open[-1].opening:
            self.refuse_unclosed()
        if token.value == "'":
            self.refuse(token, "strings are not allowed in a formula.", "The sign ' after a value is its transpose: x'.")
        if before and before.value == "[" and token.value == "]":
            bracket = self.bracket()
            if bracket.kind == "index":
                self.refuse(token, "empty index: expected the number of an entry.", "Entries count from 1: x[1].")
            self.refuse(token, "empty vector: expected an entry.", "Write its entries: [1, 2].")
        if token.kind == NAME and token.value in ("True", "False", "None"):
            self.refuse(token, f"unexpected '{token.value}': it is not allowed in a formula.", "Write a number.")
        self.refuse(token, f"unexpected {_told(token)}: {_OPERAND}.", _HINTS.get(token.value, ""))

    # ---- an operand is there

    def take_operator(self) -> bool:
        """Read what follows an operand; is another operand needed now?"""
        token = self.token
        value = token.value
        needed = True
        if token.kind == OPERATOR and value in BINDING:
            self.take_binary(token, BINDING[value])
        elif value in (")", "]"):
            self.close_bracket(token)
            needed = False
        elif value in (",", ";", ".."):
            self.separate(token)
        elif value == "'":
            self.transpose(token)
            needed = False
        elif value == "[":
            self.open_index(token)
        elif value in ("if", "else"):
            self.take_conditional(token)
        elif value == "=":
            self.take_equals(token)
        else:
            self.refuse_operator(token)
        self.advance()
        return needed

    def take_equals(self, token: Token) -> None:
        self.reduce(pending.CHOICE)
        if self.open or not self.equation or self.left is not None:
            self.refuse_operator(token)
        self.left = self.node

    def open_index(self, token: Token) -> None:
        if isinstance(self.node, Number):
            self.refuse(token, "unexpected '[' after a number: only a name or an array has entries.", "Write * between two factors.")
        self.push(Bracket("index", token, token, self.node, self.start))

    def take_binary(self, token: Token, power: int) -> None:
        opened, value = self.open, token.value
        if power == pending.POWER:
            self.push(Raised(value, self.node, self.start))
            return
        self.reduce(power + 1)
        last = opened[-1] if opened else None
        if last is None or last.power != power:
            opened.append((Compared if power == pending.COMPARISON else Chained)(value, token.start, self.node, self.start))
        elif isinstance(last, Chained):
            last.extend(value, token.start, self.node)
        else:
            hint = "Put one conditional inside another: (a if x < 1 else b) if x > 0 else b."
            self.refuse(token, f"unexpected '{value}': comparisons do not chain.", hint)

    def transpose(self, token: Token) -> None:
        if self.open and isinstance(self.open[-1], Raised):
            base, exponent = self.open[-1].start, self.text[self.start : self.end]
            written = self.text[base : self.end]
            hint = f"Write ({written})' for the transpose of the power." if len(written) < 40 else f"Write brackets: ({exponent[:20]})'."
            self.refuse(token, "unexpected ' after a power: expected brackets that say what is transposed.", hint)
        self.set(Transpose(self.node, self.start, token.end), self.start, token.end)

    def take_conditional(self, token: Token) -> None:
        self.reduce(pending.COMPARISON)
        last = self.open[-1] if self.open else None
        if token.value == "if":
            if isinstance(last, Choice) and last.condition is None:
                self.refuse(token, "unexpected 'if': expected 'else'.", "A conditional is written: a if x > 0 else b.")
            self.push(Choice(self.node, self.start))
        elif isinstance(last, Choice) and last.condition is None:
            last.condition = self.node
        else:
            self.refuse(token, "unexpected 'else': no 'if' stands before it.", "A conditional is written: a if x > 0 else b.")

    def separate(self, token: Token) -> None:
        """A comma, a semicolon or the dots of a range: the operand before it is complete."""
        self.reduce(pending.CHOICE)
        last = self.open[-1] if self.open else None
        if isinstance(last, Bracket):
            if token.value == ".." and last.binding and last.lower is None:
                last.lower = self.node
                return
            if (token.value == "," and last.kind != "group") or (token.value == ";" and last.kind == "list"):
                last.add(self.node, self.end)
                if token.value == ";":
                    last.end_row()
                return
        self.refuse_operator(token)

    def close_bracket(self, token: Token) -> None:
        """The bracket at `token` ends what the last open bracket began."""
        self.reduce(pending.CHOICE)
        last = self.open[-1] if self.open else None
        if not isinstance(last, Bracket) or last.closing != token.value:
            self.refuse_operator(token)
        self.open.pop()
        self.depth -= 1
        last.add(self.node, self.end)
        self.set(last.node(token.end), last.start, token.end)

    # ---- the stack

    def set(self, node: Node, start: int, end: int) -> None:
        self.node, self.start, self.end = node, start, end
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise self.limits.exceeded("nodes", "the formula is too long").at(self.text, start, end)

    def push(self, opened: Open) -> None:
        self.open.append(opened)
        self.depth += 1
        if self.depth > self.limits.nesting:
            raise self.limits.exceeded("nesting", "the formula is nested too deep").at(self.text, self.token.start, self.token.end)

    def reduce(self, power: int) -> None:
        """Close everything open that binds at least as tightly as `power`."""
        opened = self.open
        while opened and opened[-1].power >= power:
            last = opened.pop()
            self.depth -= last.deep
            if isinstance(last, Choice) and last.condition is None:
                self.refuse(self.token, "missing 'else' of a conditional.", "A conditional is written: a if x > 0 else b.")
            self.set(last.close(self.node, self.end), last.start, self.end)

    def bracket(self) -> Bracket:
        last = self.open[-1]
        assert isinstance(last, Bracket)
        return last

    # ---- refusals

    def refuse(self, token: Token, reason: str, hint: str = "") -> NoReturn:
        raise FormulaError(reason, hint=hint).at(self.text, token.start, token.end)

    def refuse_unclosed(self) -> NoReturn:
        bracket = next(b for b in reversed(self.open) if isinstance(b, Bracket))
        closing, opening = bracket.closing, bracket.opening
        self.refuse(opening, f"missing '{closing}': this '{opening.value}' is never closed.", f"Write '{closing}' where it ends.")

    def refuse_operator(self, token: Token) -> NoReturn:
        if token.kind == FAULT and token.error:
            raise token.error
        bracket = next((b for b in reversed(self.open) if isinstance(b, Bracket)), None)
        value = token.value
        if bracket and bracket.kind == "index" and value == ":":
            hint = "Sum over a part with sum(i=1..3, x[i]), or take one entry, x[2]."
            self.refuse(token, "unexpected ':': expected an index, slices are not allowed.", hint)
        expected = "an operator or the end"
        if bracket:
            expected = f"an operator or '{bracket.closing}'" if bracket.kind == "group" else f"an operator, ',' or '{bracket.closing}'"
        if value == "=":
            expected = "one '=' only" if self.equation and self.left else expected
        hint = _HINTS.get(value, "")
        if value == "=" and self.equation and self.left:
            hint = "Check a chain of equations with symgd.check_chain."
        if token.kind == NUMBER or (token.kind == NAME and value not in RESERVED) or value == "(":
            self.refuse_neighbour(token, expected)
        self.refuse(token, f"unexpected {_told(token)}: expected {expected}.", hint)

    def refuse_neighbour(self, token: Token, expected: str) -> NoReturn:
        """Two operands stand side by side: a product without its sign, or a call without its brackets."""
        before, after = self.text[self.start : self.end], "(…)" if token.value == "(" else self.text[token.start : token.end]
        if isinstance(self.node, Name) and len(before) > 1 and token.value != "(" and self.node.start == self.start:
            hint = "Statements of Python are no formulas." if iskeyword(before) else f"Write {before[:20]}(…) for a call, * for a product."
            reason = f"unexpected {_told(token)} after '{before[:30]}': expected '(' or an operator."
            raise FormulaError(reason, hint=hint).at(self.text, self.start, token.end)
        if token.kind == NAME and self.following().value == "(":
            after += "(…)"
        short = len(before) + len(after) <= 40
        hint = f"Write {before}*{after} for the product." if short else "Write * between two factors."
        self.refuse(token, f"unexpected {_told(token)}: expected {expected}.", hint)


def _told(token: Token) -> str:
    return "end" if token.kind == END else f"'{token.value[:30]}'"
