"""How hard the property tests look: `dev` by default, `ci` where CI is set, `night` on request."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline anywhere: it would measure the machine, not the code.
settings.register_profile("dev", max_examples=25, deadline=None, derandomize=False)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.register_profile(
    "night",
    max_examples=5_000,
    deadline=None,
    derandomize=False,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
