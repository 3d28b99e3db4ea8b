r"""The mathematics in notes: a whitelist of LaTeX, the same for every output, and MathML of it.

What a document says between dollar signs is typeset by TeX as it stands, so only known commands pass, with balanced braces: nothing of it
can read a file, define a macro or reach beyond its formula. Everything else is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import NoReturn

from symgd.errors import FormulaError, LimitError
from symgd.notes import symbols as known

LONGEST = 20_000  # characters of one formula
_NESTING = 100
_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_OPERATORS = {"-": "−", "*": "∗", "'": "′"}
_THIN = "0.17em"
_CLOSE_BY = ("(", "[", "^", "_", r"\left", "")  # what a name of a function stands close to
_FENCES = set("()[]|/.<>") | {"lvert", "rvert", "vert", "lVert", "rVert", "Vert", "|", "lfloor", "rfloor", "lceil", "rceil"}
_FENCES |= {"langle", "rangle", "{", "}", "lbrace", "rbrace"}


def checked(latex: str) -> str:
    """The same LaTeX, if all of it may stand in notes. Raises FormulaError with the place, LimitError where it is long or deep."""
    mathml(latex)
    return latex


def mathml(latex: str, display: bool = False) -> str:
    """The formula as a MathML element.

    >>> mathml("x^2")
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><msup><mi>x</mi><mn>2</mn></msup></math>'
    """
    if len(latex) > LONGEST:
        raise LimitError(f"a formula of {len(latex)} characters; notes take {LONGEST}.", hint="Give the part a name of its own.")
    shown = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{shown}>{_Reader(latex).whole()}</math>'


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _sign(character: str, more: str = "") -> str:
    return f"<mo{more}>{escape(character)}</mo>"


class _Reader:
    """A position in the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(text) if not found.group().isspace()]
        self.at = 0
        self.depth = 0

    # ---- tokens

    def fail(self, reason: str, hint: str = "", at: int | None = None) -> NoReturn:
        place = self.at if at is None else at
        token, start = self.tokens[place] if place < len(self.tokens) else ("", len(self.text))
        raise FormulaError(reason, hint=hint).at(self.text, start, start + max(1, len(token)))

    @property
    def next(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.next != token:
            self.fail(f"expected {token} here.")
        self.at += 1

    # ---- rows

    def whole(self) -> str:
        parts = self.until(lambda token: token == "")
        return "".join(parts)

    def until(self, ends: Callable[[str], bool]) -> list[str]:
        """What stands before a token at which it ends; that token stays."""
        self.depth += 1
        if self.depth > _NESTING:
            raise LimitError(f"more than {_NESTING} levels of nesting in a formula.", hint="Give the inner part a name of its own.")
        parts = []
        while not ends(self.next):
            if self.next == "":
                self.fail("the formula ends inside a bracket or an environment.", "Close what is open.")
            parts.append(self.scripted())
        self.depth -= 1
        return parts

    def scripted(self) -> str:
        """One element with its scripts."""
        start = self.at
        under = self.next in [f"\\{name}" for name in (*known.LARGE, *known.UNDER)] and self.next != r"\int"
        base = "<mrow></mrow>" if self.next in ("_", "^") else self.element()
        if self.next in (r"\limits", r"\nolimits"):
            self.take()
        scripts: dict[str, str] = {}
        while self.next in ("_", "^", "'"):
            token = self.take()
            if token == "'":
                token, script = "^", _sign("′")
                while self.next == "'":
                    self.take()
                    script += _sign("′")
                script = f"<mrow>{script}</mrow>"
                if self.next == "^":
                    self.take()
                    script = f"<mrow>{script}{self.argument()}</mrow>"
            else:
                script = self.argument()
            if token in scripts:
                self.fail("two exponents, or two indices, at one place.", "Put braces around the inner one.", start)
            scripts[token] = script
        if not scripts:
            return base
        name = {"_": ("munder" if under else "msub"), "^": ("mover" if under else "msup")}
        if len(scripts) == 2:
            return f"<{'munderover' if under else 'msubsup'}>{base}{scripts['_']}{scripts['^']}</{'munderover' if under else 'msubsup'}>"
        ((which, script),) = scripts.items()
        return f"<{name[which]}>{base}{script}</{name[which]}>"

    def argument(self) -> str:
        """What a command or a script takes: a group, a command with its arguments, or one sign; of a number one digit."""
        token = self.next
        if token in ("", "}", "&", "^", "_", "'"):
            self.fail("an argument is missing here.", "Write it in braces.")
        if token[0].isdigit() and len(token) > 1:
            start = self.tokens[self.at][1]
            self.tokens[self.at : self.at + 1] = [(digit, start + k) for k, digit in enumerate(token)]
        return self.element()

    def group(self) -> str:
        self.expect("{")
        parts = self.until(lambda token: token == "}")
        self.take()
        return f"<mrow>{''.join(parts)}</mrow>"

    def raw(self) -> str:
        """The text of a group without commands, as \\text and names take it."""
        self.expect("{")
        begin = self.tokens[self.at - 1][1] + 1
        end = self.text.find("}", begin)
        found = self.text[begin:end] if end >= 0 else ""
        while self.next not in ("}", ""):
            token = self.take()
            if token in ("{", "$", "%", "#", "&", "~", "^") or (token.startswith("\\") and token not in (r"\_", r"\ ", r"\,")):
                self.fail(f"{token} cannot stand in a text in a formula.", "Write letters and spaces only.", self.at - 1)
        self.expect("}")
        return found.replace(r"\_", "_").replace(r"\ ", " ").replace(r"\,", " ")

    # ---- one element

    def element(self) -> str:
        token = self.take()
        if token == "{":
            self.at -= 1
            return self.group()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha() and token.isascii():
            return f"<mi>{token}</mi>"
        if token.isalpha():
            self.fail(
                f"{token} cannot stand in a formula as it is.", rf"Write \\text{{{token}}}, or the command of the letter.", self.at - 1
            )
        if token == "~":
            return '<mspace width="0.25em"/>'
        if token in "+-=<>,;:!()[]|/*.'?":
            return _sign(_OPERATORS.get(token, token), ' stretchy="false"' if token in "()[]|" else "")
        self.fail(f"{token!r} cannot stand in a formula of the notes.", at=self.at - 1)

    def command(self, name: str) -> str:
        if name in known.LETTERS:
            return f"<mi>{known.LETTERS[name]}</mi>"
        if name in known.SIGNS:
            return _sign(known.SIGNS[name], ' stretchy="false"' if name in _FENCES else "")
        if name in known.LARGE:
            return _sign(known.LARGE[name])
        if name in known.FUNCTIONS:
            after = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
            return _sign(name, f' lspace="{_THIN}" rspace="{0 if after in _CLOSE_BY else _THIN}"')  # y cos(x), not ycos(x)
        if name in known.SPACES:
            return f'<mspace width="{known.SPACES[name]}"/>'
        if name in known.SILENT:
            return ""
        if name in known.FRACTIONS:
            return f"<mfrac>{self.argument()}{self.argument()}</mfrac>"
        if name == "binom":
            return f'<mrow><mo>(</mo><mfrac linethickness="0">{self.argument()}{self.argument()}</mfrac><mo>)</mo></mrow>'
        if name == "sqrt":
            return self.root()
        if name in known.ACCENTS:
            return f'<mover accent="true">{self.argument()}{_sign(known.ACCENTS[name])}</mover>'
        if name == "underline":
            return f"<munder>{self.argument()}{_sign('_')}</munder>"
        if name == "text":
            return f"<mtext>{escape(self.raw())}</mtext>".replace("  ", " ")
        if name in known.UPRIGHT:
            return f'<mi mathvariant="normal">{escape(self.raw())}</mi>'
        if name in known.FONTS:
            return self.in_font(known.FONTS[name])
        if name == "left":
            return self.fenced()
        if name in known.SIZES:
            return _sign(self.fence())
        if name == "begin":
            return self.environment()
        self.fail(f"\\{name} cannot stand in a formula of the notes.", "Write it with the usual commands of amsmath.", self.at - 1)

    def root(self) -> str:
        if self.next != "[":
            return f"<msqrt>{self.argument()}</msqrt>"
        self.take()
        degree = self.until(lambda token: token == "]")
        self.take()
        return f"<mroot>{self.argument()}{_row(degree)}</mroot>"

    def in_font(self, font: str) -> str:
        """Letters in another alphabet: of the argument, inside its elements too."""
        inner = self.argument()
        return re.sub(r"(<m[in][^>]*>)([^<]*)", lambda found: found[1] + "".join(known.in_font(c, font) for c in found[2]), inner)

    def fence(self) -> str:
        token = self.take()
        name = token[1:] if token.startswith("\\") else token
        if name not in _FENCES:
            self.fail("expected a bracket here.", r"After \left and \right stands a bracket, or a dot.", self.at - 1)
        return "" if token == "." else known.SIGNS[name] if token.startswith("\\") else {"<": "⟨", ">": "⟩"}.get(token, token)

    def fenced(self) -> str:
        opening = self.fence()
        parts = self.until(lambda token: token == r"\right")
        self.take()
        closing = self.fence()
        form = ' form="prefix"', ' form="postfix"'
        return f"<mrow>{_sign(opening, form[0]) if opening else ''}{''.join(parts)}{_sign(closing, form[1]) if closing else ''}</mrow>"

    def environment(self) -> str:
        name = self.raw()
        if name not in known.MATRICES and name not in known.ALIGNED:
            self.fail(
                f"\\begin{{{name[:20]}}} cannot stand in a formula of the notes.", f"There are {', '.join(known.MATRICES)}.", self.at - 1
            )
        rows: list[list[str]] = [[""]]
        while self.next != r"\end":
            rows[-1][-1] = "".join(self.until(lambda token: token in ("&", r"\\", r"\end")))
            if self.next == "&":
                rows[-1].append("")
            elif self.next == r"\\":
                rows.append([""])
            else:
                break
            self.take()
        self.take()
        if (closed := self.raw()) != name:
            self.fail(f"\\begin{{{name}}} is closed by \\end{{{closed[:20]}}}.", at=self.at - 1)
        if rows[-1] == [""]:
            rows.pop()
        side = ' columnalign="left"' if name == "cases" else ' columnalign="right left"' if name in known.ALIGNED else ""
        body = "".join("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in row) + "</mtr>" for row in rows)
        opening, closing = known.MATRICES.get(name, ("", ""))
        fences = [_sign(f) if f else "" for f in (opening, closing)]
        return f"<mrow>{fences[0]}<mtable{side}>{body}</mtable>{fences[1]}</mrow>"
