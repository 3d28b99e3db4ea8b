"""A derivation as it is written: its lines as data, as text, in LaTeX, and as a table for a notebook.

Every line is an equation of the language, with the derivatives in it that are not carried out yet: `symgd.check_chain` proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise

from symgd.algebra.expression import Expression, Leaf
from symgd.calculus.steps.lines import DETAILS, Step
from symgd.calculus.steps.pending import variables
from symgd.calculus.steps.recipes import FORMS, Recipe, chains
from symgd.calculus.steps.rules import Rule
from symgd.errors import FormulaError
from symgd.notation.infix import infix
from symgd.notation.latex import latex
from symgd.notation.latex_style import PLAIN_STYLE, Style
from symgd.notation.letters import names_in
from symgd.notation.notebook import bundle, cell_of
from symgd.notation.statements import name_of, statement_of

Declare = Callable[[Iterable[Leaf], Expression], str]
ENVIRONMENTS = ("aligned", "align", "align*")


@dataclass(frozen=True, slots=True)
class Line:
    """One equation of a derivation: `before` = `after` by `rule`, of which `statement` is the content, one sentence.

    `place` is where the part stands in `before` that the rule changes, as (start, end); None where it is all of it. `chain` counts
    from 0: the line begins a new chain where it differs from that of the line above.
    """

    before: str
    after: str
    rule: str
    statement: str
    place: tuple[int, int] | None
    chain: int
    expressions: tuple[Expression, Expression]

    def __str__(self) -> str:
        return f"{self.before} = {self.after}    ({self.rule})"


class Derivation:
    """How a derivative is found, line by line; `str()` is its text.

    `detail` is "brief" (the question, what comes out, the result), "normal" (a lecturer's grain) or "full" (one derivative a line,
    also of constants); `form` is "vector" or "component". `given` declares every name in the lines. The last line ends in the
    derivative itself, as it prints.

    >>> from symgd import formula, gradient
    >>> print(gradient(formula("x^2*sin(x)"), "x").steps)
    diff(x^2*sin(x), x)
      = diff(x^2, x)*sin(x) + x^2*diff(sin(x), x)    product rule
      = 2*x*sin(x) + x^2*diff(sin(x), x)             power rule
      = 2*x*sin(x) + x^2*cos(x)                      derivative of sin
    """

    def __init__(
        self,
        recipe: Recipe,
        known: Sequence[Leaf],
        declare: Declare,
        authored: Set[Expression],
        detail: str = "normal",
        form: str = "vector",
    ) -> None:
        """`known` are the variables of the result, `declare` writes declarations of variables and of an expression's functions,
        `authored` are the nodes that are written in the order of their author."""
        _check("detail", detail, DETAILS)
        _check("form", form, FORMS)
        self.recipe, self.known, self.declare, self.authored = recipe, known, declare, authored
        self.detail, self.form = detail, form
        self._chains: list[list[_Shown]] | None = None
        self._avoid: set[str] = set()

    def written(self, detail: str = "normal", form: str = "vector") -> Derivation:
        """The same derivation in another grain, or in the other form."""
        return Derivation(self.recipe, self.known, self.declare, self.authored, detail, form)

    @property
    def given(self) -> str:
        """The declarations of every name that stands in the lines."""
        steps = [shown.step.expression for chain in self._shown() for shown in chain]
        names = {leaf.name: leaf for leaf in [*(leaf for step in steps for leaf in variables(step)), *self.known]}
        order = {leaf.name: leaf for leaf in self.known} | names
        return self.declare([names[name] for name in order], self.recipe.root)

    @property
    def notation(self) -> str:
        return "index" if self.form == "component" else "auto"

    @property
    def result(self) -> Expression:
        """What the last line ends in: the derivative."""
        return self.recipe.shown

    @property
    def lines(self) -> tuple[Line, ...]:
        """The equations, from the question to the result."""
        found = []
        for number, chain in enumerate(self._shown()):
            for one, other in pairwise(chain):
                rules = other.step.rules
                statement = " ".join(dict.fromkeys(statement_of(rule) for rule in rules))
                place = self._place(one.text, other.step.about)
                both = (one.step.expression, other.step.expression)
                found.append(Line(one.text, other.text, _names(rules), statement, place, number, both))
        return tuple(found)

    @property
    def chains(self) -> tuple[tuple[str, ...], ...]:
        """The lines as chains of equal texts, each of them one for `symgd.check_chain`, under `given`."""
        return tuple(tuple(shown.text for shown in chain) for chain in self._shown())

    def latex_chains(self) -> tuple[tuple[str, ...], ...]:
        """The same in LaTeX, for `check_chain(…, syntax="latex")`."""
        return tuple(tuple(self._latex(shown.step, PLAIN_STYLE) for shown in chain) for chain in self._shown())

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __getitem__(self, k: int) -> Line:
        return self.lines[k]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Derivation of {len(self.lines)} lines: {self.chains[-1][0]} = {self.chains[-1][-1]}>"

    # ---- text

    def text(self, detail: str | None = None, form: str | None = None) -> str:
        """The derivation as plain text, the rule in a second column."""
        chosen = self._chosen(detail, form)
        parts = []
        for chain in chosen._shown():
            right = [f"  = {shown.text}" for shown in chain[1:]]
            width = min(max(map(len, right)), 100)
            said = [f"{text:<{width}}    {_names(shown.step.rules)}" for text, shown in zip(right, chain[1:])]
            parts.append("\n".join([chain[0].text, *said]))
        return "\n\n".join(parts)

    # ---- LaTeX

    def latex(
        self,
        detail: str | None = None,
        form: str | None = None,
        *,
        environment: str = "aligned",
        rules: bool = True,
        label: str = "",
        transpose: str = PLAIN_STYLE.transpose,
        bold: str = PLAIN_STYLE.bold,
        fractions: str = PLAIN_STYLE.fractions,
        brackets: str = PLAIN_STYLE.brackets,
    ) -> str:
        """The derivation in LaTeX (amsmath, bm), the rule in a second column unless `rules` is false.

        `environment` is "aligned", which stands inside a formula, or "align" (every line numbered) or "align*", which stand in the
        text. With "align", `label="eq:f"` puts the labels eq:f:1, eq:f:2, … on the lines. The other options are those of
        `Formula.latex`. Raises FormulaError for an unknown option.
        """
        _check("environment", environment, ENVIRONMENTS)
        if label and environment != "align":
            raise FormulaError("a label needs numbered lines.", hint='Write latex(environment="align", label="eq:f").')
        style = Style(transpose, bold, fractions, brackets)
        chosen = self._chosen(detail, form)
        rows: list[str] = []
        for chain in chosen._shown():
            shown = [chosen._latex(one.step, style) for one in chain]
            for k in range(1, len(chain)):
                left = shown[0] if k == 1 else ""
                row = f"{left} &= {shown[k]}"
                row += rf" && \text{{{_escaped(_names(chain[k].step.rules))}}}" if rules else ""
                row += rf" \label{{{label}:{len(rows) + 1}}}" if label else ""
                rows.append(row.strip())
        return "\n".join([rf"\begin{{{environment}}}", " \\\\\n".join(rows), rf"\end{{{environment}}}"])

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        """A table: the left side, the line, its rule."""
        rows = []
        for chain in self._shown():
            for k, shown in enumerate(chain[1:]):
                left = chain[0].text if k == 0 else ""
                title = " ".join(map(statement_of, shown.step.rules))
                cells = cell_of(left, side="right") + cell_of(f"= {shown.text}") + cell_of(_names(shown.step.rules), title)
                rows.append(f"<tr>{cells}</tr>")
        return f"<table>{''.join(rows)}</table>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return bundle(self.text(), self._repr_html_(), self._repr_latex_())

    # ---- parts

    def _chosen(self, detail: str | None, form: str | None) -> Derivation:
        if detail in (None, self.detail) and form in (None, self.form):
            return self
        return self.written(detail or self.detail, form or self.form)

    def _shown(self) -> list[list[_Shown]]:
        """The chains with their texts; a line that reads as the one before is left out, its rules with it."""
        if self._chains is None:
            made = chains(self.recipe, self.detail, self.form)
            self._avoid = names_in([*self.known, *(leaf for steps in made for step in steps for leaf in variables(step.expression))])
            self._chains = []
            for steps in made:
                found: list[_Shown] = []
                for step in steps:
                    text = infix(step.expression, self._notation(step), avoid=self._avoid, authored=self.authored)
                    shown = _Shown(step, text)
                    if not found or found[-1].text != shown.text:
                        found.append(shown)
                    elif len(found) > 1 or step is steps[-1]:
                        found[-1] = _Shown(replace(found[-1].step, expression=step.expression), shown.text)
                if len(found) > 1:
                    self._chains.append(found)
        return self._chains

    def _notation(self, step: Step) -> str:
        return "auto" if step.whole else self.notation

    def _latex(self, step: Step, style: Style) -> str:
        return latex(step.expression, self._notation(step), avoid=self._avoid, style=style, authored=self.authored)

    def _place(self, text: str, about: Expression | None) -> tuple[int, int] | None:
        part = infix(about, self.notation, avoid=self._avoid, authored=self.authored) if about is not None else text
        at = text.find(part)
        return None if part == text or at < 0 else (at, at + len(part))


@dataclass(frozen=True, slots=True)
class _Shown:
    step: Step
    text: str


def _names(rules: Sequence[Rule]) -> str:
    return ", ".join(dict.fromkeys(map(name_of, rules)))


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")


def _check(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        near = get_close_matches(str(value), known, 1)
        raise FormulaError(
            f"unknown {option} {value!r}.", hint=f"Did you mean {near[0]!r}?" if near else f"It is one of {', '.join(map(repr, known))}."
        )
