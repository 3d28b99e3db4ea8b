r"""Fonts and accents of names, on the tokens; and the name that a token stands for.

`\theta` is `theta`, `\hat{y}` is `y_hat`, `\mathrm{loss}` is `loss`. Fonts are dropped, unless one letter stands in two of them in one
text: then `\mathbf{w}` is `w_bf` beside `w`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from symgd.errors import FormulaError
from symgd.language.latex.tokens import ACCENTS, COMMAND, END, FAULT, FONTS, GREEK, LETTER, NUMBER, OLD_FONTS, SYMBOL, WORD, Token
from symgd.language.names import check_name

_GREEK_NAMES = (
    "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi psi omega Gamma "
    "Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega epsilon vartheta phi varrho varsigma"
)
_GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩϵϑϕϱς", _GREEK_NAMES.split()))
_LETTERS_OF: dict[str, tuple[str, ...]] = {}
for _letter, _name in _GREEK_LETTERS.items():
    _LETTERS_OF[_name] = (*_LETTERS_OF.get(_name, ()), _letter)
UNBRACED = r"\smash"
_VARIANTS = {"epsilon": "varepsilon", "theta": "vartheta", "phi": "varphi", "rho": "varrho", "sigma": "varsigma", "kappa": "varkappa"}
_VARIANTS |= {variant: plain for plain, variant in _VARIANTS.items()}


def dressed(tokens: list[Token], text: str) -> list[Token]:
    """The tokens with fonts and accents put on the names they stand before, and the commands for them gone.

    The braces of `\\mathbf{x}` and `\\hat{y}` go too, where they hold one name, so that scripts after them belong to the name.
    """
    return _Dressing(text).run(tokens)


@dataclass(slots=True)
class _Group:
    """An open group: its font, the accent that its first name gets, the command it is of, where it begins."""

    font: str = ""
    accent: str = ""
    command: Token | None = None
    start: int = 0
    unbraced: bool = False


class _Dressing:
    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Token] = []
        self.groups = [_Group()]
        self.font: str | None = None
        self.accent = ""
        self.command: Token | None = None  # that of a font or accent whose argument is still to come
        self.unbraced = False

    def run(self, tokens: list[Token]) -> list[Token]:
        for token in tokens:
            value = token.value
            if token.kind == COMMAND and value in FONTS:
                if value in OLD_FONTS:
                    self.groups[-1].font = FONTS[value]
                else:
                    self.font, self.command = FONTS[value], token
            elif token.kind == COMMAND and value in ACCENTS:
                self.accent, self.command = ACCENTS[value], token
            elif token.kind == COMMAND and value == UNBRACED:
                self.unbraced = True
            elif token.kind == SYMBOL and value == "{":
                font = self.font if self.font is not None else self.groups[-1].font
                accent = self.accent
                if self.command is not None and self.command.value in FONTS and not accent:  # \hat{\mathbf{y}}
                    accent, self.groups[-1].accent = self.groups[-1].accent, ""
                self.groups.append(_Group(font, accent, self.command, len(self.found), self.unbraced))
                self.found.append(token)
                self.font, self.accent, self.command, self.unbraced = None, "", None, False
            elif token.kind == SYMBOL and value == "}" and len(self.groups) > 1:
                self.close(token)
            else:
                self.one(token)
        return self.found

    def close(self, token: Token) -> None:
        group = self.groups.pop()
        command, inside = group.command, self.found[group.start + 1 :] if group.start >= len(self.found) - 2 else [token] * 2
        if command is not None and not inside:
            opening = self.found[group.start]
            error = FormulaError(f"empty {command.value}: expected a name.", hint=rf"Write {command.value}{{x}}.")
            raise error.at(self.text, opening.start, opening.end)
        if group.accent:
            _refuse_accent(self.text, command or token, token)
        opened = self.found[group.start + 1 :]
        if command is not None and command.value in ACCENTS and not _is_one_name(opened):
            _refuse_accent(self.text, command, opened[0])
        if command is not None and len(inside) == 1 and not group.unbraced:
            self.found[-1] = replace(self.found[-1], start=min(command.start, self.found[-1].start), end=max(token.end, self.found[-1].end))
        if group.unbraced or (command is not None and len(inside) == 1):
            del self.found[group.start]
        else:
            self.found.append(token)

    def one(self, token: Token) -> None:
        if self.command is not None and (token.kind == END or (token.kind == SYMBOL and token.value not in ("'",))):
            command = self.command
            error = FormulaError(f"{command.value} is missing its argument: expected a name.", hint=rf"Write {command.value}{{x}}.")
            raise error.at(self.text, command.start, command.end)
        group = self.groups[-1]
        own = self.font if self.font is not None else group.font
        if token.kind == WORD and len(token.value) == 1 and token.value.isalpha() and token.error is None:
            token = replace(token, kind=LETTER)
        if token.kind in (LETTER, NUMBER, WORD) or (token.kind == COMMAND and token.value[1:] in GREEK):
            mine = self.accent or group.accent
            group.accent = ""
            if mine and token.kind == NUMBER:
                _refuse_accent(self.text, self.command or token, token)
            if own or mine:
                start = min(self.command.start, token.start) if self.command is not None else token.start
                token = replace(token, font="" if own == "rm" else own, accent=mine, start=start)
        elif self.accent:
            _refuse_accent(self.text, self.command or token, token)
        self.font, self.accent, self.command, self.unbraced = None, "", None, False
        self.found.append(token)


def _is_one_name(tokens: list[Token]) -> bool:
    """A name, perhaps with scripts."""
    first = tokens[0]
    if not (first.kind in (LETTER, WORD) or (first.kind == COMMAND and first.value[1:] in GREEK)):
        return False
    return len(tokens) == 1 or (tokens[1].kind == SYMBOL and tokens[1].value in ("_", "^", "'") and _is_script(tokens[1:]))


def _is_script(tokens: list[Token]) -> bool:
    """`_i`, `_{ij}`, `^2`, primes, and nothing behind them."""
    if tokens[0].value == "'":
        return len(tokens) == 1 or _is_script(tokens[1:])
    return len(tokens) == 2 or (tokens[1].value == "{" and tokens[-1].value == "}" and not any(t.value == "}" for t in tokens[2:-1]))


def _refuse_accent(text: str, command: Token, token: Token) -> None:
    hint = rf"An accent stands on one name: {command.value}{{x}}."
    raise FormulaError(f"unexpected argument of {command.value}: expected a name.", hint=hint).at(text, token.start, token.end)


def base_of(token: Token) -> str:
    """The name without its font, with its accent: `y_hat`."""
    if token.kind == WORD:
        base = "_".join(token.value.replace("-", "_").split())
    else:
        base = token.value.removeprefix("\\")
    return f"{base}_{token.accent}" if token.accent else base


@dataclass(slots=True)
class Fonts:
    """The names that stand in two fonts in one text, so that fonts tell them apart."""

    split: set[str] = field(default_factory=set)

    def note(self, tokens: Iterable[Token]) -> None:
        seen: dict[str, str] = {}
        for token in tokens:
            if token.kind in (LETTER, WORD) or (token.kind == COMMAND and token.value[1:] in GREEK):
                base = base_of(token)
                if seen.setdefault(base, token.font) != token.font:
                    self.split.add(base)

    def is_split(self, base: str) -> bool:
        return base in self.split


def spellings(token: Token, fonts: Fonts) -> list[str]:
    """The names that the token may stand for, the likeliest first: declarations decide between them."""
    base = base_of(token)
    out = [f"{base}_{token.font}"] if token.font else []
    if not (token.font and fonts.is_split(base)):
        out.append(base)
    for name in list(out):
        other = _GREEK_LETTERS.get(name)
        if other:
            out.append(other)
    out += [letter for name in out for letter in _LETTERS_OF.get(name, ())]
    return out


def default_name(token: Token, fonts: Fonts) -> str:
    """The name where none is declared."""
    base = base_of(token)
    base = _GREEK_LETTERS.get(base, base)
    return f"{base}_{token.font}" if token.font and fonts.is_split(base_of(token)) else base


def checked(name: str, text: str, token: Token) -> str:
    """The name, if it may be one."""
    if token.error is not None:
        raise token.error
    try:
        return check_name(name)
    except FormulaError as error:
        error.position = None
        start = token.start + len(token.head) + 1 if token.kind == WORD else token.start
        raise error.at(text, start, token.end) from None


def is_fault(token: Token) -> bool:
    return token.kind in (END, FAULT)
