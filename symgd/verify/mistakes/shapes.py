"""Slips of the pen in formulas with arrays: a transpose, a matrix, a function that is missing where it was written.

Most of these make a side whose shapes do not fit, so they are looked for in the text: every part of the right side in turn is
transposed, multiplied by a matrix of the claim, or put into a function of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from symgd.algebra.expression import Leaf
from symgd.algebra.operations import Value
from symgd.language import syntax as sx
from symgd.verify.mistakes.mistake import Mistake
from symgd.verify.mistakes.search import Claim

TRIED = 400  # changes
MATRICES = 4  # of the claim, that may be missing

Reads = Callable[[str], "Value | None"]


def missing_parts(claim: Claim, leaves: Sequence[Leaf], reads: Reads) -> Iterator[Mistake]:
    """Claims whose right side has the shape of the left one, once a part of it is changed. `reads` gives the value of a right side."""
    text, right = claim.text, claim.equation.right
    matrices = [leaf.name for leaf in leaves if len(leaf.shape) == 2][:MATRICES]
    functions = sorted({node.name for node in sx.nodes_of(claim.equation.left) if isinstance(node, sx.Call) and len(node.arguments) == 1})
    tried = 0
    for node in sx.nodes_of(right):
        if isinstance(node, sx.Number | sx.Binding | sx.List | sx.Rows):
            continue
        source = text[node.start : node.end]
        for kind, sentence, new in _changed(node, source, matrices, functions):
            tried += 1
            if tried > TRIED:
                return
            for placed in (new, f"({new})"):
                mended = text[right.start : node.start] + placed + text[node.end : right.end]
                value = reads(mended)
                if value is not None:
                    if value.node.shape == claim.left.node.shape and value.row == claim.left.row:
                        yield Mistake(kind, sentence, text[: right.start] + mended + text[right.end :])
                    break


def _changed(node: sx.Node, source: str, matrices: Sequence[str], functions: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The kind, the sentence, and the new text of a part."""
    inner = source if isinstance(node, sx.Name | sx.Call | sx.Index) else f"({source})"
    if isinstance(node, sx.Transpose):
        bare = source.removesuffix("'").removesuffix(".T")
        yield "transpose", f"with {bare} in place of {source} it would be right.", bare
    else:
        yield "transpose", f"with {inner}' in place of {source} it would be right.", f"{inner}'"
    for name in matrices:
        for factor in (f"{name}'", name):
            yield "chain-rule, dropped-factor, transpose", f"with the factor {factor} of {source} it would be right.", f"{factor}*{inner}"
            yield "chain-rule, dropped-factor, transpose", f"with the factor {factor} of {source} it would be right.", f"{inner}*{factor}"
    yield "layout, dropped-term", f"with diag({source}) in place of {source} it would be right.", f"diag({source})"
    for name in functions:
        new = f"{name}({source})"
        yield "function, dropped-term, chain-rule", f"with {new} in place of {source} it would be right.", new
    if isinstance(node, sx.Call) and len(node.arguments) == 1:
        argument = source[source.index("(") + 1 : -1]
        yield "function", f"with {argument} in place of {source} it would be right.", argument
