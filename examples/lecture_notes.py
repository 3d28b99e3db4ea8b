"""The notes of a lecture on gradient descent, from `lecture/gradient_descent.md`: LaTeX, HTML, and PDF where there is TeX.

    python examples/lecture_notes.py              writes nothing that stays
    python examples/lecture_notes.py FOLDER       leaves the notes there

Claim: every line of every derivation in the notes is proved, every claim in them holds, and after the descent shown in them, four hours
of study give almost 8 points.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import symgd

SOURCE = Path(__file__).resolve().parent / "lecture" / "gradient_descent.md"


def main(folder: Path) -> None:
    with_pdf = [".pdf"] if shutil.which("pdflatex") else []
    for ending in [".tex", ".html", *with_pdf]:
        notes = symgd.write_notes(SOURCE, folder / f"gradient_descent{ending}")
        assert notes.complaints == ()
        assert notes.remarks == (), notes.remarks
        print(f"gradient_descent{ending}: every line proved")
    text = (folder / "gradient_descent.tex").read_text(encoding="utf-8")
    print(f"{text.count('Proved: ')} claims, {text.count('includegraphics')} figures, {text.count('begin{align*}')} derivations")
    loss = symgd.formula("mean((w*x - y)^2)", given="x[N], y[N]")
    found = symgd.descend(loss, start={"w": 1.0}, data={"x": [1, 2, 3], "y": [2, 4, 6]}, rate=0.01, epochs=100)
    w = float(found.parameters["w"])
    print(f"4 hours: {4 * w:.4f} points")
    assert 7.99 < 4 * w < 8


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
