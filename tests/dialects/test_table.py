"""The page on dialects says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrdecay.dialects.base import SAYINGS, Run, translate
from lrdecay.dialects.reading import load_all
from lrdecay.dialects.table import EXAMPLES, example, page
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon

load_all()

DOCS = Path(__file__).parents[2] / "docs" / "dialects.md"

OF_FUNCTIONS = {"LambdaLR", "MultiplicativeLR"}
"""Schedulers that are given a Python function, which no text can hold."""


def test_the_page_is_what_the_code_makes():
    assert DOCS.read_text() == page(), "python -m lrdecay.dialects.table > docs/dialects.md"


def test_every_scheduler_has_one_row():
    rows = [line for line in page().splitlines() if line.startswith("| `")]

    assert len(rows) == len(SAYINGS)
    for _, name in SAYINGS:
        assert sum(row.startswith((f"| `{name}(", f"| `{name}`")) for row in rows) == sum(n == name for _, n in SAYINGS)


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=lambda s: f"{s.library}.{s.name}")
def test_every_example_is_a_schedule_unless_it_waits_for_a_metric_or_a_function(saying):
    call = example(saying)
    if saying.name in OF_FUNCTIONS:
        assert call is None
        return
    assert call is not None, f"{saying.name}: an argument that must be given has no example in {sorted(EXAMPLES)}"
    waits = any(word in saying.differs + saying.ends for word in ("looks at the loss", "looks at a metric"))
    try:
        schedule = translate(call, Run(lr=0.1, length=100, horizon=Horizon(steps=100)))
    except InputError:
        assert waits, saying.name
    else:
        assert not waits
        assert schedule.bind(Horizon(steps=100, steps_per_epoch=10)).values().max() > 0
