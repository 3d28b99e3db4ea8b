r"""Formulas in LaTeX, as lecturers write them, to the same syntax tree as the infix language.

    tokens → macros → names (fonts, accents) → chains (statements, members) → parser (operands, atoms, functions, big, …) → tree

`given` reads declarations; `scope` is what the parser asks of them. `reader.parse_formula` and `parse_claim` are the way in,
`chains.parse_chain` cuts a text into statements without reading them.
"""
