"""Text in: from what a user types to an expression.

    limits → tokens → infix (text to a syntax tree) → elaborate (syntax tree and declarations to an expression)

`syntax` holds the tree, `declarations` reads `given`. Nothing here evaluates text, and no depth of nesting meets a recursion limit.
"""
