"""Documents: the equations in a Markdown, LaTeX or notebook file, and the verdict on each."""
