"""The meaning of an expression, by loops over all indices: what programs are compared with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import torch

from symgd.algebra import expression as ex
from symgd.algebra.functions.table import fill
from symgd.lowering import torch_functions


def row_value(row, arguments):
    """The function of a row, by its plain torch template."""
    tensors = [torch.as_tensor(argument, dtype=torch.float64) for argument in arguments]
    names = {f"a{k}": tensor for k, tensor in enumerate(tensors)}
    return eval(fill(row.torch, *names), {"torch": torch, "f": torch_functions, **names}).numpy()


def reference(root: ex.Expression, values: Mapping[str, object], sizes: Mapping[str, int]) -> np.ndarray:
    """The value of the expression in float64."""
    done: dict[ex.Expression, np.ndarray] = {}
    for node in ex.topological(root):
        shape = tuple(length.evaluate(sizes) for length in node.shape)
        done[node] = np.asarray(_node(node, shape, [done[child] for child in node.children], values, sizes), dtype=np.float64)
        assert done[node].shape == shape, (type(node), done[node].shape, shape)
    return done[root]


def _node(node, shape, children, values, sizes):
    if isinstance(node, ex.Constant):
        return float(node.value)
    if isinstance(node, ex.Irrational):
        return {"pi": math.pi, "e": math.e}[node.name]
    if isinstance(node, ex.Size):
        return node.dimension.evaluate(sizes)
    if isinstance(node, ex.Counter):
        return node.start.evaluate(sizes) + np.arange(shape[0])
    if isinstance(node, ex.Leaf):
        return values[node.name]
    if isinstance(node, ex.Select):
        out = np.zeros(shape)
        offset = node.offset.evaluate(sizes)
        coefficients = [ex.Dimension.of(c).evaluate(sizes) for c in node.coefficients]
        for at in itertools.product(*map(range, shape)):
            out[at] = at[0] == offset + sum(c * k for c, k in zip(coefficients, at[1:]))
        return out
    if isinstance(node, ex.Add):
        return sum(float(c) * child for c, child in zip(node.coefficients, children))
    if isinstance(node, ex.Contract):
        return _contract(node, shape, children, sizes)
    if isinstance(node, ex.Map | ex.Along | ex.MatrixFunction):
        return row_value(node.function, children)
    if isinstance(node, ex.Stack):
        return np.stack(children)
    raise AssertionError(type(node))


def _contract(node, shape, children, sizes):
    lengths = {label: length.evaluate(sizes) for label, length in node.dimensions().items()}
    labels = sorted(lengths)
    out = np.zeros(shape)
    for at in itertools.product(*(range(lengths[label]) for label in labels)):
        place = dict(zip(labels, at))
        term = float(node.coefficient)
        for child, axes in zip(children, node.labels):
            term *= child[tuple(place[label] for label in axes)]
        out[tuple(place[k] for k in range(node.rank))] += term
    return out
