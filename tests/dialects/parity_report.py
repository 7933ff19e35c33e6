"""How far our rates are from each library's own: ``python -m tests.dialects.parity_report`` prints the table.

The worst relative difference of 50 random calls on 300 updates each, as the parity tests measure and limit it. Keras
and optax compute with float32, where the difference is relative to the highest rate; in float64, on five of the calls,
the formulas themselves are compared. Keras' own cosines are float32 even then.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.dialects import peers_timm, peers_torch
from tests.dialects import test_parity_other as other
from tests.dialects.test_parity_torch import worst

__all__ = ["rows", "table"]

Row = tuple[str, str, float | None, float | None]


def rows() -> Iterator[Row]:
    """Library, scheduler, worst in float64, worst in float32; None where it is not measured."""
    for library, peers in (("torch", peers_torch), ("timm", peers_timm)):
        for name, draw in peers.RANDOM.items():
            yield library, name, worst(draw, peers.rates_of), None
    for name in other.TRANSFORMERS:
        yield "transformers", name, other.worst_of_transformers(name), None
    for name in other.KERAS:
        found = other.worst_of_keras(name)
        yield "keras", name, None if "Cosine" in name else found["float64"], found["float32"]
    for name in other.OPTAX:
        found = other.worst_of_optax(name)
        yield "optax", name, found["float64"], found["float32"]


def table() -> Iterator[str]:
    """The rows as lines of Markdown."""
    yield "| library | scheduler | float64 | float32 |"
    yield "| --- | --- | --- | --- |"
    for library, name, *numbers in rows():
        yield f"| {library} | {name} | {' | '.join('' if n is None else f'{n:.1e}' for n in numbers)} |"


if __name__ == "__main__":
    for line in table():
        print(line, flush=True)
