"""The LaTeX commands that may stand in the mathematics of notes, each with the character that MathML shows for it."""

from __future__ import annotations

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "vartheta": "ϑ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "ϕ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}  # fmt: skip
LETTERS = {**_GREEK, "infty": "∞", "partial": "∂", "nabla": "∇", "ell": "ℓ", "emptyset": "∅", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ"}
SIGNS = {
    "cdot": "⋅", "times": "×", "div": "÷", "pm": "±", "mp": "∓", "odot": "⊙", "oslash": "⊘", "otimes": "⊗", "oplus": "⊕", "circ": "∘",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "propto": "∝",
    "ll": "≪", "gg": "≫", "in": "∈", "notin": "∉", "subset": "⊂", "cup": "∪", "cap": "∩", "setminus": "∖", "to": "→", "rightarrow": "→",
    "leftarrow": "←", "gets": "←", "mapsto": "↦", "Rightarrow": "⇒", "Leftrightarrow": "⇔", "iff": "⟺", "implies": "⟹", "forall": "∀",
    "exists": "∃", "neg": "¬", "land": "∧", "lor": "∨", "perp": "⊥", "top": "⊤", "mid": "∣", "dots": "…", "ldots": "…", "cdots": "⋯",
    "vdots": "⋮", "ddots": "⋱", "colon": ":", "prime": "′", "ast": "∗", "star": "⋆", "dagger": "†", "langle": "⟨", "rangle": "⟩",
    "lvert": "|", "rvert": "|", "vert": "|", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "{": "{", "}": "}", "lbrace": "{", "rbrace": "}", "%": "%", "_": "_", "&": "&", "#": "#", "$": "$",
}  # fmt: skip
LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "oint": "∮"}
UNDER = {"lim", "max", "min", "sup", "inf", "argmax", "argmin", "limsup", "liminf"}  # what an index stands below, not beside
FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "coth", "exp", "log", "ln", "lg",
    "det", "dim", "deg", "arg", "ker", "gcd", "Pr",
    "lim", "max", "min", "sup", "inf", "limsup", "liminf",
}  # fmt: skip
SPACES = {",": "0.17em", ":": "0.22em", ";": "0.28em", " ": "0.25em", "!": "-0.17em", "quad": "1em", "qquad": "2em"}
SILENT = {"displaystyle", "textstyle", "limits", "nolimits"}
FONTS = {"mathbf": "bold", "bm": "bold", "boldsymbol": "bold", "mathbb": "double", "mathcal": "script"}
UPRIGHT = {"mathrm", "operatorname", "mathsf", "mathit"}
ACCENTS = {"hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "˜", "widetilde": "˜", "dot": "˙", "ddot": "¨", "vec": "→"}
FRACTIONS = {"frac", "tfrac", "dfrac"}
SIZES = {"big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr"}
MATRICES = {"matrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "vmatrix": ("|", "|"), "cases": ("{", "")}
ALIGNED = {"aligned", "gathered", "split"}

_DOUBLE = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}
_SCRIPT = {"B": "ℬ", "E": "ℰ", "F": "ℱ", "H": "ℋ", "I": "ℐ", "L": "ℒ", "M": "ℳ", "R": "ℛ"}
_BOLD_GREEK = {"α": 0x1D6C2, "Α": 0x1D6A8}


def in_font(character: str, font: str) -> str:
    """The letter in another alphabet of Unicode; what has none stays."""
    code = ord(character)
    if font == "double":
        starts = (0x1D538, 0x1D552, 0x1D7D8)
        special = _DOUBLE
    elif font == "script":
        starts = (0x1D49C, 0x1D4B6, 0x30)
        special = _SCRIPT
    else:
        starts = (0x1D400, 0x1D41A, 0x1D7CE)
        special = {}
        if "α" <= character <= "ω":
            return chr(_BOLD_GREEK["α"] + code - ord("α"))
        if "Α" <= character <= "Ω":
            return chr(_BOLD_GREEK["Α"] + code - ord("Α"))
    if character in special:
        return special[character]
    for first, last, start in zip("Aa0", "Zz9", starts):
        if first <= character <= last:
            return chr(start + code - ord(first))
    return character
