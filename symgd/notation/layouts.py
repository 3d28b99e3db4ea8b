"""What the entries of a derivative are, in words: the convention of layout is said with every result, never left to be guessed."""

from __future__ import annotations

from collections.abc import Sequence

from symgd.algebra.dimension import Dimension, Shape
from symgd.algebra.expression import Expression, Leaf
from symgd.notation.letters import Letters, used_names

STRUCTURES = ("symmetric", "spd", "diagonal", "lower", "upper", "banded", "tridiagonal", "orthogonal")


def layout_of(result: Expression, function: Shape, by: Sequence[Leaf], vec: bool, structure: str | None = None) -> str:
    """Such as "entry [i,j] is ∂f/∂X[i,j]": a function of a shape derived by variables; with `vec`, columns are stacked.

    Entries of a variable of declared structure are independent, and said to be, unless the derivative is by a `structure`.
    """
    letters = Letters(used_names(result))
    places = list[str]()
    count = 0

    def indexed(name: str, shape: Shape) -> str:
        nonlocal count
        own = [letters[count + k] for k in range(len(shape))]
        count += len(own)
        places.extend([_stacked(own, shape)] if vec and len(own) > 1 else own)
        return f"{name}[{','.join(own)}]" if own else name

    above = indexed("F" if function else "f", function)
    below = "".join(f"∂{indexed(leaf.name, leaf.shape)}" for leaf in by)
    power = "" if len(by) == 1 else {2: "²"}.get(len(by), f"^{len(by)}")
    comma = ", " if any(" " in place for place in places) else ","
    entry = places[0] if len(places) == 1 else f"[{comma.join(places)}]"
    where = f"entry {entry} is ∂{power}{above}/{below}" if places else ""
    return "; ".join(part for part in (where, *_structures(by, structure)) if part)


def _stacked(letters: Sequence[str], shape: Shape) -> str:
    """The place of an entry among stacked columns: i + m*(j-1)."""
    parts, stride = [letters[0]], Dimension.of(1)
    for letter, length in zip(letters[1:], shape):
        stride = stride * length
        size = f"({stride})" if len(stride.terms) > 1 else f"{stride}"
        parts.append(f"{size}*({letter}-1)")
    return " + ".join(parts)


def _structures(by: Sequence[Leaf], structure: str | None) -> list[str]:
    if structure is not None:
        return [f"{by[0].name} is taken as {structure}: derived by its free entries"]
    declared = [(leaf.name, kind) for leaf in dict.fromkeys(by) for kind in leaf.kind if leaf.shape and kind.split("(")[0] in STRUCTURES]
    return [f"the entries of {name}, declared {kind}, are taken as independent" for name, kind in declared]
