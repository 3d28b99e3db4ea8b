"""`python -m symgd` is the command `symgd`."""

from __future__ import annotations

import sys

from symgd.cli import main

if __name__ == "__main__":
    sys.exit(main())
