"""The simplifier's second half: the form a textbook would print.

`simplify` merges what is equal; here is what takes a choice. The rules (`of_products`, `of_functions`, `of_sums`) cancel and name;
`collect` takes out common factors; `shorten` weighs a sum as it stands against the same multiplied out, by its length in print.
"""

from symgd.algebra.shorten.collect import COLLECTING
from symgd.algebra.shorten.normal import normal_form
from symgd.algebra.shorten.rules import MERGING_AND_NAMING
from symgd.algebra.shorten.shorten import shortened

RULES = (*MERGING_AND_NAMING, *COLLECTING)  # all that the simplifier does, row by row

__all__ = ["RULES", "normal_form", "shortened"]
