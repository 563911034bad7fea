"""Shares of tickets, drawn at random and yet always the same."""

from __future__ import annotations

import hashlib


def is_drawn(share: float, seed: int, *what: object) -> bool:
    """Tell whether something falls into a share of all: decided by a hash of the seed and what it is."""
    digest = hashlib.sha256(" ".join(map(str, (seed, *what))).encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share
