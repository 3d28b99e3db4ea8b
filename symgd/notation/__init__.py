"""Text out: from an expression to what a reader sees.

    matrix_form, entries (expression to terms) → presentation (the tree) → infix, latex, to_sympy

`network` reads matrix products off contractions, `vectorised` Kronecker products, `positions` solves deltas of indices, `terms`
puts products together. Every part is shown once, whatever the rendering, and no depth of nesting meets a recursion limit.
"""
