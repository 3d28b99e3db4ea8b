"""Certified values in ball arithmetic: `certified` gives digits that are right, `balls` the enclosures themselves."""

from symgd.algebra.certified.evaluation import balls, certified, working_precision

__all__ = ["balls", "certified", "working_precision"]
