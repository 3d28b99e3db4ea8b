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

_GREEK_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩϵϑϕϱς",
        "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon varphi chi psi omega"
        " Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega epsilon vartheta phi varrho varsigma".split(),
    )
)
_VARIANTS = {"epsilon": "varepsilon", "theta": "vartheta", "phi": "varphi", "rho": "varrho", "sigma": "varsigma", "kappa": "varkappa"}
_VARIANTS |= {variant: plain for plain, variant in _VARIANTS.items()}


def dressed(tokens: list[Token], text: str) -> list[Token]:
    """The tokens with fonts and accents put on the names they stand before, and the commands for them gone."""
    found: list[Token] = []
    fonts: list[str | None] = [None]  # the font of every open group
    accents: list[str] = [""]  # the accent that the next name in every open group gets
    font: str | None = None
    accent, command = "", None
    for token in tokens:
        if token.kind == COMMAND and token.value in FONTS:
            font, command = FONTS[token.value], token
            if token.value in OLD_FONTS:
                fonts[-1], font = font, None
            continue
        if token.kind == COMMAND and token.value in ACCENTS:
            accent, command = ACCENTS[token.value], token
            continue
        if token.kind == SYMBOL and token.value == "{":
            fonts.append(font if font is not None else fonts[-1])
            accents.append(accent)
            found.append(token)
            font, accent = None, ""
            continue
        if token.kind == SYMBOL and token.value == "}" and len(fonts) > 1:
            before = found[-1]
            if command is not None and before.value == "{" and before.kind == SYMBOL and (accents[-1] or fonts[-1] != fonts[-2]):
                error = FormulaError(f"empty {command.value}: expected a name.", hint=rf"Write {command.value}{{x}}.")
                raise error.at(text, before.start, before.end)
            if accents[-1]:
                _refuse_accent(text, command, token)
            fonts.pop()
            accents.pop()
            found.append(token)
            continue
        if (font is not None or accent) and command is not None and token.kind in (END, SYMBOL):
            error = FormulaError(f"{command.value} is missing its argument: expected a name.", hint=rf"Write {command.value}{{x}}.")
            raise error.at(text, command.start, command.end)
        own = font if font is not None else fonts[-1]
        font = None
        if token.kind in (LETTER, NUMBER, WORD) or (token.kind == COMMAND and token.value[1:] in GREEK):
            mine = accent or accents[-1]
            accents[-1] = ""
            if mine and token.kind == NUMBER:
                _refuse_accent(text, command, token)
            if own or mine:
                token = replace(token, font="" if own in (None, "rm") else own, accent=mine)
        elif accent:
            _refuse_accent(text, command, token)
        accent = ""
        found.append(token)
    return found


def _refuse_accent(text: str, command: Token | None, token: Token) -> None:
    assert command is not None
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
    out += [letter for letter, name in _GREEK_LETTERS.items() if name in out]
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
