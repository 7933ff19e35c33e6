"""What a table says beyond its ranking, from results: chances, contenders, and updates saved."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import numpy as np
import pytest

from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.trace import Trace
from lrdecay.stats import contenders, probability_best, steps_saved
from lrdecay.sweep.evidence import curves_of, evidence
from lrdecay.sweep.study import Row, rank


def result(seed: int, curve: Sequence[float], *, metric: str = "loss", lost: bool = False) -> RunResult:
    """A run of ten updates a mark with this held-out curve."""
    steps = np.arange(10 * len(curve))
    column = np.full(len(steps), math.nan)
    column[9::10] = curve
    trace = Trace(steps, steps / 10, np.full(len(steps), 0.1), np.ones(len(steps)), {f"heldout_{metric}": column})
    score = math.nan if lost else float(curve[-1])
    diverged = Divergence(5, 0.1, "nan") if lost else None
    return RunResult(f"{curve}{seed}", seed, "s", metric, "min", score, {metric: score}, trace, diverged)


FAST = [result(i, [0.9 + e, 0.5 + e, 0.3 + e, 0.2 + e]) for i, e in enumerate((0.0, 0.011, 0.03))]
SLOW = [result(i, [1.0 + e, 0.8 + e, 0.6 + e, 0.5 + e]) for i, e in enumerate((0.0, 0.013, 0.029))]
LOST = [result(i, [1.0, 0.8, 0.6, 0.5], lost=i == 1) for i in range(3)]


def test_the_evidence_is_that_of_the_functions_of_stats() -> None:
    found = evidence({"fast": FAST, "slow": SLOW, "lost": LOST}, "fast", "min", 0.001)
    scores = {"fast": [r.score for r in FAST], "slow": [r.score for r in SLOW], "lost": [0.5, math.nan, 0.5]}
    assert found.p_best == probability_best(scores, higher_is_better=False, resolution=0.001)
    assert found.contenders == contenders(scores, higher_is_better=False, resolution=0.001) == ("fast",)
    assert set(found.saved) == {"slow"}
    expected = steps_saved(curves_of(FAST, "loss"), curves_of(SLOW, "loss"), higher_is_better=False, resolution=0.001)
    assert found.saved["slow"] == expected
    assert expected.ratio == pytest.approx(0.5, abs=0.01)


def test_the_json_of_a_table_has_it_all_and_no_number_that_is_not_one() -> None:
    rows = [Row(name, name, 0.1, tuple(r)) for name, r in (("slow", SLOW), ("lost", LOST), ("fast", FAST))]
    entries = json.loads(json.dumps(rank("t", rows, "min").to_json(), allow_nan=False))["rows"]
    assert [e["spec"] for e in entries] == ["fast", "slow", "lost"]
    assert [e["could_be_best"] for e in entries] == [True, False, False]
    assert entries[0]["steps_saved"] is entries[2]["steps_saved"] is None
    assert entries[2]["p_best"] == 0.0
    assert sum(e["p_best"] for e in entries) == pytest.approx(1.0)
    saved = entries[1]["steps_saved"]
    assert saved["of"] == 40
    assert saved["reached"] == 3
    assert saved["ratio_interval"][0] <= saved["ratio"] == saved["updates"] / 40 <= saved["ratio_interval"][1]
    assert len(saved["per_seed"]) == 3


def test_nothing_is_said_that_the_runs_do_not_say() -> None:
    one = evidence({"fast": FAST[:1], "slow": SLOW[:1]}, "fast", "min", 0.0)
    assert one.to_json("slow")["p_best"] is None
    assert one.contenders == ("fast", "slow")
    assert one.saved["slow"].interval is None
    single = [result(i, [0.2 + 0.1 * i]) for i in range(3)]
    assert evidence({"fast": single, "slow": SLOW}, "fast", "min", 0.0).saved == {}
    assert evidence({"lost": [LOST[1]]}, None, "min", 0.0).to_json("lost") == {
        "p_best": None,
        "could_be_best": False,
        "steps_saved": None,
    }
