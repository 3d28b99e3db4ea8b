"""Pictures of a formula, with matplotlib, which is imported when the first of them is drawn.

canvas     a figure, its style, its labels, its file
grid       the numbers that are drawn
plane      contours with the gradient field and a descent; the surface
line       a curve, the slice along a direction, the slope by direction
descents   learning rates side by side; losses
moving     an animation of a descent
asked      a figure by its name, for notes and for the command line
"""
