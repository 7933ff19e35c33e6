"""The tables of the measurement, from what has been written down."""

from __future__ import annotations

from bench.rangetest.journal import Journal

__all__ = ["report"]


def report(journal: Journal) -> None:
    """Print how much of each kind there is."""
    for kind in ("truth", "peer", "find", "known"):
        print(f"{kind}: {len(journal.of(kind))} pieces")
