"""A synthetic sample city (Beijing) that ships with the package; its README says what it is not."""

from __future__ import annotations

from pathlib import Path

BEIJING = Path(__file__).parent / "beijing"
"""Folder of the sample city: its catalog (with gazetteer) and its hand-written tickets."""


def sample_catalog_path() -> Path:
    """Return the folder of the sample city's dispatch catalog (派单目录)."""
    return BEIJING / "catalog"


def sample_tickets_path() -> Path:
    """Return the JSONL file of the sample city's hand-written, labelled tickets."""
    return BEIJING / "tickets.jsonl"
