"""Which form of the fault tests runs: the short one, or with FAULTS=full the one of the promise."""

from __future__ import annotations

import os

FULL = os.environ.get("FAULTS") == "full"
