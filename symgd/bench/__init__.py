"""The benchmark: `python -m symgd.bench` measures symgd beside other packages, in one run, each number checked before it is timed.

problems   the losses: one row each, written once for all peers
kernels    the loops that numba compiles
families   formulas in n scalars, for deriving
peers      who is measured: one row each, with a maker for every kind of cell
kinds      what is measured: one call, a whole descent, a fit, a derivation, a cold start
timing     interleaved rounds and ratios
report     tables, JSON, the table in README.md
"""
