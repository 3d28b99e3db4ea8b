"""Notes as one LaTeX document that pdflatex, lualatex and xelatex set; it needs the usual packages only, kotex where there is Korean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symgd.errors import FormulaError
from symgd.notes import blocks as b
from symgd.notes.widths import broken, width

Place = Callable[[b.Picture, int], str]  # where the file of a figure stands

_LINE = 40.0  # em: the width of a line of text
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "'": "'", "`": r"\textasciigrave{}", "-": "-", "\n": " ", "\t": " ", "\u00a0": "~",
}  # fmt: skip
_CHARACTERS = {
    "∇": r"\nabla", "∂": r"\partial", "→": r"\to", "←": r"\leftarrow", "⇒": r"\Rightarrow", "≤": r"\le", "≥": r"\ge", "≠": r"\ne",
    "≈": r"\approx", "±": r"\pm", "×": r"\times", "·": r"\cdot", "⋅": r"\cdot", "−": "-", "‖": r"\Vert", "∞": r"\infty", "∈": r"\in",
    "∑": r"\sum", "∏": r"\prod", "√": r"\surd", "ℝ": r"\mathbb{R}", "²": "^2", "³": "^3", "⟨": r"\langle", "⟩": r"\rangle", "′": "'",
    "⊤": r"\top", "⊙": r"\odot", "₀": "_0", "₁": "_1", "₂": "_2", "₃": "_3",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta",
    "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau",
    "φ": r"\varphi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda",
    "Σ": r"\Sigma", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega",
}  # fmt: skip
_PUNCTUATION = {
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
    "•": r"\textbullet{}",
    "°": r"\textdegree{}",
}
_SECTIONS = {1: "section*", 2: "section*", 3: "subsection*", 4: "subsubsection*"}
_KINDS = {"strong": r"\textbf{%s}", "emphasis": r"\emph{%s}", "code": r"\texttt{%s}", "text": "%s"}


def is_korean(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3" or "\u1100" <= character <= "\u11ff" or "\u3130" <= character <= "\u318f"


def tex(notes: b.Notes, place: Place) -> str:
    """The document. Raises FormulaError for a character that LaTeX with these packages has no form for."""
    writer = _Writer(place)
    body = [writer.block(block) for block in notes.blocks]
    title = writer.inline(notes.title)
    everything = title + "".join(body)
    lines = [
        r"\documentclass[11pt,a4paper]{article}",
        r"\usepackage{iftex}",
        r"\ifPDFTeX\usepackage[T1]{fontenc}\usepackage{lmodern}\usepackage{textcomp}\fi",
        r"\usepackage{amsmath,amssymb,bm,graphicx}",
        r"\usepackage[margin=24mm]{geometry}",
        *([r"\usepackage{kotex}"] if any(map(is_korean, everything)) else []),
        *_declared(everything),
        r"\allowdisplaybreaks",
        r"\setlength{\parindent}{0pt}\setlength{\parskip}{5pt plus 2pt}",
        *([rf"\title{{{title}}}\author{{}}\date{{}}"] if title else []),
        r"\begin{document}",
        *([r"\maketitle"] if title else []),
        "",
    ]
    return "\n".join(lines) + "\n\n".join(body) + "\n\n\\end{document}\n"


def _declared(text: str) -> Iterator[str]:
    """Letters of names in formulas that pdflatex does not know by itself: θ in \\text{θ}."""
    used = sorted({character for character in text if character in _CHARACTERS})
    if used:
        yield r"\usepackage{newunicodechar}"
        yield from (rf"\newunicodechar{{{character}}}{{\ensuremath{{{_CHARACTERS[character]}}}}}" for character in used)


def escaped(text: str) -> str:
    """Text for LaTeX: no character of it acts."""
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in _CHARACTERS:
        return f"\\ensuremath{{{_CHARACTERS[character]}}}"
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    if " " <= character <= "~" or "\u00c0" <= character <= "\u017f" or character in "§©«»¡¿" or is_korean(character):
        return character
    reason = f"LaTeX has no form here for the character {character!r} (U+{ord(character):04X})."
    raise FormulaError(reason, hint="Write it otherwise, or write HTML: --output notes.html.")


class _Writer:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.figures = 0

    def inline(self, content: b.Inline) -> str:
        return "".join(f"${piece.text}$" if piece.kind == "math" else _KINDS[piece.kind] % escaped(piece.text) for piece in content)

    def block(self, block: b.Block) -> str:
        match block:
            case b.Heading(content, level):
                return f"\\{_SECTIONS[level]}{{{self.inline(content)}}}"
            case b.Paragraph(content):
                return self.inline(content)
            case b.Items(items, numbered):
                name = "enumerate" if numbered else "itemize"
                return "\n".join([f"\\begin{{{name}}}", *(rf"\item {self.inline(item)}" for item in items), f"\\end{{{name}}}"])
            case b.Display(latex):
                return display(latex)
            case b.Derived(lines):
                return derivation(lines)
            case b.Grid(header, rows):
                return self.grid(header, rows)
            case b.Listing(text):
                shown = [rf"\texttt{{{escaped(line).replace(' ', '~')}}}\\" if line.strip() else r"\mbox{}\\" for line in text.split("\n")]
                return "\\begin{flushleft}\n" + "\n".join(shown) + "\n\\end{flushleft}"
            case b.Picture(_, caption):
                self.figures += 1
                path = self.place(block, self.figures)
                said = rf"\\ \emph{{\small {self.inline(caption)}}}"
                return f"\\begin{{center}}\n\\includegraphics[width=0.8\\linewidth]{{{path}}}{said}\n\\end{{center}}"

    def grid(self, header: tuple[b.Inline, ...], rows: tuple[tuple[b.Inline, ...], ...]) -> str:
        body = [" & ".join(map(self.inline, row)) + r" \\" for row in rows]
        columns = "l" + "r" * (len(header) - 1)
        head = " & ".join(map(self.inline, header)) + r" \\ \hline"
        return "\n".join(
            [
                r"\begin{center}\renewcommand{\arraystretch}{1.4}",
                rf"\begin{{tabular}}{{{columns}}}",
                head,
                *body,
                r"\end{tabular}",
                r"\end{center}",
            ]
        )


def display(latex: str) -> str:
    """One formula, over several lines where it is wide."""
    if any(f"\\begin{{{name}}}" in latex for name in ("aligned", "gathered", "split")):
        return f"\\[\n{latex}\n\\]"
    pieces = broken(latex, _LINE)
    if len(pieces) == 1:
        return f"\\[\n{fitted(latex, _LINE)}\n\\]"
    rows = [(r"& " if k == 0 else r"&\qquad ") + fitted(piece, _LINE - 2) for k, piece in enumerate(pieces)]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def fitted(latex: str, most: float) -> str:
    """The formula, made smaller where it is wider than the line and cannot be broken."""
    return latex if width(latex) <= most else rf"\resizebox{{{most / _LINE:.2f}\linewidth}}{{!}}{{$\displaystyle {latex}$}}"


def derivation(lines: tuple[b.Line, ...]) -> str:
    """The lines aligned at their signs of equality, the rule beside each, or below it where the page is too narrow."""
    left = max(width(line.left) for line in lines)
    right = max(width(line.right) for line in lines)
    rule = max(0.45 * len(line.rule) for line in lines)
    beside = left + right + rule + 5 <= _LINE
    own = not beside and left > 5
    if own:
        beside = right + rule + 6.5 <= _LINE
    rows: list[str] = []
    for line in lines:
        if line.left and own:
            rows += [r"& " + piece for piece in broken(line.left, _LINE)]
        pieces = broken(line.right, _LINE - (2 if own else left) - 3)
        start = r"&\quad = " if own else f"{line.left} &= "
        rows.append((start + fitted(pieces[0], _LINE - (2 if own else left) - 3)).strip())
        rows += [r"&\qquad\quad " + fitted(piece, _LINE - 6) for piece in pieces[1:]]
        said = rf"\text{{{escaped(line.rule)}}}"
        if beside:
            rows[-1] += f" && {said}"
        elif rule:
            rows[-1] += rf" \\* &\qquad\qquad \text{{\small ({escaped(line.rule)})}}"
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
