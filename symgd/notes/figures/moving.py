"""An animation of a descent: GIF, MP4 through ffmpeg, or one HTML file that plays without anything else."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symgd.errors import LoweringError, ValueGivenError
from symgd.notes.figures.canvas import ACCENT, DARK, label, sheet, style
from symgd.notes.figures.grid import Numbers, axes_of, box_of, scalar_formula
from symgd.notes.figures.plane import contours_on, path_of

FILMS = (".gif", ".mp4", ".html")
_PACE = 6  # frames in a second
_DENSITY = {".gif": 90, ".mp4": 160}  # dots in an inch
MOST = 120  # frames; of longer descents some steps are left out


@dataclass(frozen=True, slots=True)
class Animation:
    """A descent that moves. `film` is matplotlib's animation, `figure` its figure."""

    film: Any
    figure: Any

    def save(self, path: str | Path) -> None:
        """Write a .gif (needs Pillow), an .mp4 (needs ffmpeg) or an .html file."""
        Path(path).write_bytes(self.data(Path(path).suffix.lower()))

    def data(self, kind: str) -> bytes:
        """The file of this kind, ".gif", ".mp4" or ".html"."""
        if kind not in FILMS:
            raise ValueGivenError(f"an animation cannot be written as {kind!r}.", hint=f"Its ending is one of {', '.join(FILMS)}.")
        with style():
            if kind == ".html":
                return f'<!DOCTYPE html><meta charset="utf-8"><title>descent</title>{self.film.to_jshtml(fps=_PACE)}'.encode()
            with tempfile.TemporaryDirectory(prefix="symgd-") as folder:
                file = Path(folder, f"film{kind}")
                self.film.save(file, writer=_writer(kind), dpi=_DENSITY[kind])
                return file.read_bytes()

    def _repr_html_(self) -> str:
        return str(self.film.to_jshtml(fps=_PACE))


def _writer(kind: str) -> Any:
    """What writes films of this kind. Raises LoweringError where it is not on this machine."""
    from matplotlib import animation

    if kind == ".mp4":
        if not animation.FFMpegWriter.isAvailable():
            raise LoweringError(
                "MP4 needs ffmpeg, which is not on this machine.", hint="Debian and Ubuntu: apt install ffmpeg. Or write .gif."
            )
        # Even numbers of pixels, and colours that every player knows.
        return animation.FFMpegWriter(fps=_PACE, extra_args=["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"])
    if not animation.PillowWriter.isAvailable():
        raise LoweringError("a GIF needs Pillow, which is not installed.", hint="pip install pillow")
    return animation.PillowWriter(fps=_PACE)


def animate(
    f: Any, descent: Any, variables: Sequence[str] | None = None, *, values: Mapping[str, Any] | None = None, box: Any = None
) -> Animation:
    """The path of a descent over one or two scalar parameters, step by step: `animate(f, descend(f, …)).save("descent.gif")`.

    `values` fixes the other variables (the data). Raises as `plot_contours` does.
    """
    import numpy as np

    f = scalar_formula(f)
    wanted = list(variables or descent.path)
    names = axes_of(f, wanted, min(len(wanted), 2), values or {})
    path = path_of(descent, names)
    sides = box_of(box, len(names), path)
    numbers = Numbers(f, names, values or {})
    frames = sorted({round(k) for k in np.linspace(0, len(path) - 1, min(MOST, len(path)))})
    with style():
        from matplotlib.animation import FuncAnimation

        figure, axes = sheet()
        if len(names) == 2:
            contours_on(axes, numbers, sides, False)
            points = np.array(path)
            axes.set(ylabel=label(names[1]), ylim=sides[1])
        else:
            across = np.linspace(*sides[0], 241)
            axes.plot(across, numbers.many(across[:, None])[0], color=DARK, linewidth=1.4)
            points = np.array([[point[0], value] for point, value in zip(path, descent.values)])
            axes.set(ylabel="loss")
        axes.set(xlabel=label(names[0]), xlim=sides[0])
        (trail,) = axes.plot([], [], "-", color=ACCENT, linewidth=1.4)
        (here,) = axes.plot([], [], "o", color="black", markersize=6, zorder=5)
        title = axes.set_title(" ")

        def show(k: int) -> Any:
            trail.set_data(points[: k + 1, 0], points[: k + 1, 1])
            here.set_data(points[k : k + 1, 0], points[k : k + 1, 1])
            title.set_text(f"step {descent.step_of(k)}, loss {descent.values[k]:.4g}")
            return trail, here, title

        film = FuncAnimation(figure, show, frames=frames, blit=False)
        film._draw_was_started = True  # type: ignore[attr-defined]  # what is never saved is no mistake that matplotlib need warn of
    return Animation(film, figure)
