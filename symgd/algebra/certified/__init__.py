"""Certified values in ball arithmetic: `certified` gives digits that are right, `balls` the enclosures themselves."""

from symgd.algebra.certified.evaluation import balls, certified

__all__ = ["balls", "certified"]
