"""A name in a limit that the limit does not bind: the h of lim(t, 0, (f(x + t*u) - f(x))/h)."""

from __future__ import annotations

from collections.abc import Iterator

from symgd.language import syntax as sx
from symgd.verify.mistakes.mistake import Mistake


def unbound_names(text: str, equation: sx.Equation) -> Iterator[Mistake]:
    """Claims with the variable of a limit in place of a name that stands in this limit only."""
    nodes = sx.nodes_of(equation.left) + sx.nodes_of(equation.right)
    for node in nodes:
        if not (isinstance(node, sx.Call) and node.name == "lim" and len(node.arguments) == 3):
            continue
        bound, _, body = node.arguments
        if not isinstance(bound, sx.Name):
            continue
        inside = [one for one in sx.nodes_of(body) if isinstance(one, sx.Name)]
        outside = {one.name for one in nodes if isinstance(one, sx.Name) and not node.start <= one.start < node.end}
        for name in dict.fromkeys(one.name for one in inside):
            places = [one for one in inside if one.name == name]
            variable = text[bound.start : bound.end]
            if name == bound.name or name in outside or not variable:
                continue
            written = text[places[0].start : places[0].end]
            mended = text
            for one in sorted(places, key=lambda place: -place.start):
                mended = mended[: one.start] + variable + mended[one.end :]
            sentence = f"{written} is not bound by the limit: with {variable} in its place it would be right."
            yield Mistake("variable", sentence, " ".join(mended.split()))
