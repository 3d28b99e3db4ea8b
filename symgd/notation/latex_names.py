"""Names in LaTeX: `theta` is \\theta, `x_1` is x_{1}, `y_hat` is \\hat{y}, `loss` is \\mathrm{loss}, `온도` is \\text{온도}.

What the LaTeX reader makes of the result is the name again. A name is letters, digits and underscores, so nothing of it can
act on LaTeX; whatever else a name made by a program might hold is written as its code point.
"""

from __future__ import annotations

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega pi"
    " Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega Pi"
)
GREEK = frozenset(_GREEK.split())
ACCENTS = {"hat": "hat", "bar": "bar", "tilde": "tilde", "dot": "dot", "ddot": "ddot", "bf": "mathbf", "cal": "mathcal", "vec": "vec"}


def name_latex(name: str) -> str:
    """The name as LaTeX, in one piece that a subscript or an exponent may follow only in brackets if `has_script` says so."""
    parts = name.split("_")
    if not all(parts) or len(parts) > 3 or not parts[0][:1].isalpha():
        return _upright(name)
    base, *rest = parts
    out = _symbol(base)
    if rest and rest[0] in ACCENTS and (len(base) == 1 or base in GREEK):
        out = f"\\{ACCENTS[rest[0]]}{{{out}}}"
        rest = rest[1:]
    if len(rest) > 1:
        return _upright(name)
    return f"{out}_{{{_subscript(rest[0])}}}" if rest else out


def has_script(name: str) -> bool:
    """Does its LaTeX end in a subscript?"""
    return name_latex(name).endswith("}") and "_{" in name_latex(name)


def _symbol(base: str) -> str:
    if base in GREEK:
        return f"\\{base}"
    return base if len(base) == 1 and base.isascii() else _upright(base)


def _subscript(text: str) -> str:
    if text in GREEK:
        return f"\\{text}"
    return text if text.isdigit() or (len(text) == 1 and text.isascii()) else _upright(text)


def _upright(text: str) -> str:
    """A word: \\mathrm for ASCII, \\text for other scripts."""
    safe = "".join(_escaped(character) for character in text)
    return f"\\mathrm{{{safe}}}" if text.isascii() else f"\\text{{{safe}}}"


def _escaped(character: str) -> str:
    if character.isalnum():
        return character
    return "\\_" if character == "_" else f"U{ord(character):04X}"
