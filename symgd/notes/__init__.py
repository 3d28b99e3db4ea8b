"""Lecture notes: problems and prose in, LaTeX, PDF, HTML or Markdown out; markers in an existing .tex filled; figures.

document     a file, or one formula, to the notes: `write_notes`
prose        Markdown to blocks
problem      what a problem may say, checked
contents     a problem to blocks: statement, derivation, checks, descent
blocks       what notes are made of, whatever they are written in
tex, html, markdown, pdf    blocks to text
mathematics  the LaTeX that may stand in notes, and MathML of it
fill         markers in an existing .tex
figures/     pictures of a formula, with matplotlib
"""
