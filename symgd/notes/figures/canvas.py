"""A figure: its style, labels in the author's names, and its file, which has the same bytes each time. Readable in grey."""

from __future__ import annotations

import io
import shutil
from typing import Any

from symgd.errors import LoweringError
from symgd.notation.latex_names import name_latex

KINDS = ("pdf", "png", "svg", "pgf")
# Told apart by lightness and by dashes, not by hue alone.
INKS = ("#0b3c5d", "#b5482a", "#5b8c5a", "#8a6fb0", "#c9962c", "#4f4f4f")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
DARK, ACCENT, PALE = INKS[0], INKS[1], "#9aa7b1"
SURFACE = "Greys"
_STYLE = {
    "font.family": ["DejaVu Sans", "NanumGothic", "Noto Sans CJK KR", "UnDotum", "sans-serif"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "mathtext.fontset": "cm",
    "svg.hashsalt": "symgd",
    "svg.fonttype": "path",
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "legend.frameon": False,
    "pgf.rcfonts": False,
    "pgf.texsystem": "pdflatex",
}


def library() -> Any:
    """matplotlib. Raises LoweringError where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        raise LoweringError("figures need matplotlib, which is not installed.", hint="pip install matplotlib") from None
    return matplotlib


def style() -> Any:
    """The style, to be used in a `with`: fonts on the machine only, so that none is asked for in vain."""
    matplotlib = library()
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    families = [name for name in _STYLE["font.family"] if name in there or name == "sans-serif"]  # type: ignore[attr-defined]
    return matplotlib.rc_context({**_STYLE, "font.family": families})


def sheet(width: float = 5.2, height: float = 3.9, columns: int = 1, rows: int = 1, **how: Any) -> tuple[Any, Any]:
    """A figure and its axes. It belongs to no window and to no list of figures: what nobody holds is gone."""
    library()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **how)


def label(name: str) -> str:
    """The name as a label: mathematics, or plain text where matplotlib's mathematics has no such letters."""
    latex = name_latex(name)
    return f"${latex}$" if latex.isascii() else name


def saved(figure: Any, kind: str) -> bytes:
    """The figure as a file. Raises LoweringError where PGF is asked for and there is no TeX to measure its text."""
    if kind == "pgf" and not shutil.which("pdflatex"):
        raise LoweringError("PGF needs pdflatex, which is not on this machine.", hint="Write .pdf, .svg or .png.")
    told: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}, "pgf": {}}
    made = io.BytesIO()
    with style():
        figure.savefig(made, format=kind, **({"metadata": told[kind]} if told[kind] else {}))
    return made.getvalue()
