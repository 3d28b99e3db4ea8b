"""Signs between operands, relations between sides, brackets: what each spelling stands for in the tree."""

from __future__ import annotations

DOTS = {
    r"\cdot": "·",
    r"\times": "×",
    "*": "*",
    r"\odot": ".*",
    r"\circ": ".*",
    r"\oslash": "./",
    r"\div": "/",
    r"\otimes": "⊗",
}
RELATIONS = {
    "=": "=",
    "<": "<",
    ">": ">",
    r"\leq": "<=",
    r"\geq": ">=",
    r"\neq": "!=",
    r"\approx": "≈",
    r"\propto": "∝",
    r"\equiv": "≡",
    r"\sim": "~",
    r"\simeq": "≃",
    r"\cong": "≅",
    r"\ll": "≪",
    r"\gg": "≫",
    r"\to": "→",
    r"\Rightarrow": "⇒",
    r"\Leftrightarrow": "⇔",
    r"\Leftarrow": "⇐",
    r"\leftarrow": "←",
    r"\mapsto": "↦",
    r"\in": "∈",
    r"\notin": "∉",
    r"\subset": "⊂",
    r"\subseteq": "⊆",
    r"\triangleq": ":=",
    r"\preceq": "⪯",
    r"\succeq": "⪰",
    r"\succ": "≻",
    r"\prec": "≺",
    r"\perp": "⟂",
    r"\doteq": "≐",
}
CLOSING = {"(": ")", "[": "]", r"\{": r"\}", r"\langle": r"\rangle", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", "{": "}"}
CLOSERS = frozenset(CLOSING.values())
BARS = ("|", r"\|")
EXPECTED = "expected a number, a name or an opening bracket"
