"""Text in: from what a user types to a typed value. `elaborate.read` is the way in.

    limits → tokens, names → infix, pending (text to the syntax tree of `syntax`) → meaning, calls, operators, indices → elaborate

`declarations` reads `given`; `binders` finds which index is bound where before anything is looked up; `magnitude` keeps constants in
the range of float64; `from_sympy` reads SymPy expressions. Nothing here evaluates text, and no depth of nesting meets a recursion limit.
"""
