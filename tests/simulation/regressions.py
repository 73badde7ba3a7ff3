"""Seeds that failed once, and what they found: each is run again with every change.

A seed draws another run when the simulation draws differently; so a finding is also held by the
mutant that brings the fault back (see ``mutants``), wherever there is one.
"""

from __future__ import annotations

from typing import Final

REGRESSIONS: Final[tuple[tuple[int, str], ...]] = ()
