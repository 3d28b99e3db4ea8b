"""The file of a figure: its ending, and how it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from symgd.errors import ValueGivenError

FIGURES = (".png", ".pdf", ".svg", ".pgf")


def check_ending(output: str, allowed: tuple[str, ...] = FIGURES) -> None:
    """Raise ValueGivenError where a figure cannot be written to a file of this name: before anything is computed."""
    if Path(output).suffix.lower() not in allowed:
        reason = f"a figure of this kind cannot be written to {output!r}."
        raise ValueGivenError(reason, hint=f"Its ending is one of {', '.join(allowed)}.")


def check_figure(output: str) -> None:
    """Raise LoweringError without matplotlib, ValueGivenError where no file of this name can be written: before anything is computed.

    A folder that is missing is made when the figure is written, the one that is to hold it is not.
    """
    from symgd.notes.figures.canvas import library

    check_ending(output)
    library()
    path = Path(output)
    folder = path.parent if path.parent.exists() else path.parent.parent
    if path.is_dir():
        raise ValueGivenError(f"cannot write {output!r}: it is a folder.", hint="Name a file.")
    if not folder.is_dir():
        raise ValueGivenError(f"cannot write {output!r}: {str(folder)!r} is no folder.", hint="Name a file in a folder that is there.")


def draw(figure: Any, output: str) -> None:
    """Write a matplotlib Figure to a file of the kind that its ending names."""
    from symgd.notes.document import write_file
    from symgd.notes.figures.canvas import saved

    path = Path(output)
    write_file(path, saved(figure, path.suffix.lower()[1:]))
