"""What a study has finished survives a kill at any moment."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lrdecay.errors import RunError
from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.trace import Trace
from lrdecay.sweep.journal import Journal


def result(identity="a" * 64, score=0.5, diverged=None):
    steps = np.arange(4)
    trace = Trace(
        steps,
        steps / 3,
        np.full(4, 0.1),
        np.array([2.0, 1.5, 1 / 3, math.inf]),
        {"acc": np.array([math.nan, 0.1, math.nan, 0.5])},
    )
    return RunResult(identity, 3, "cosine(0.1)", "acc", "max", score, {"acc": score}, trace, diverged, 1.25, ("said",))


def test_what_was_added_is_read_back_the_same(tmp_path):
    first = result()
    Journal(tmp_path).add(first)

    again = Journal(tmp_path).get(first.identity)

    assert (again.seed, again.schedule, again.metric, again.goal, again.score) == (3, "cosine(0.1)", "acc", "max", 0.5)
    assert again.notes == ("said",)
    np.testing.assert_array_equal(again.trace.loss, first.trace.loss)
    np.testing.assert_array_equal(again.trace.metrics["acc"], first.trace.metrics["acc"])
    np.testing.assert_array_equal(again.trace.epoch, first.trace.epoch)


def test_a_diverged_run_is_read_back_the_same(tmp_path):
    Journal(tmp_path).add(result(score=math.nan, diverged=Divergence(3, 0.1, "inf")))

    again = Journal(tmp_path).get("a" * 64)

    assert math.isnan(again.score)
    assert again.diverged == Divergence(3, 0.1, "inf")


def test_a_line_cut_short_at_any_byte_loses_only_that_run(tmp_path):
    journal = Journal(tmp_path)
    journal.add(result("a" * 64))
    whole = (tmp_path / "journal.jsonl").read_bytes()
    journal.add(result("b" * 64))
    both = (tmp_path / "journal.jsonl").read_bytes()

    for cut in range(len(whole), len(both) - 1):
        (tmp_path / "journal.jsonl").write_bytes(both[:cut])
        torn = Journal(tmp_path)
        assert torn.get("a" * 64) is not None
        assert torn.get("b" * 64) is None
        torn.add(result("b" * 64))
        assert Journal(tmp_path).get("b" * 64) is not None


def test_a_journal_without_its_trace_is_refused(tmp_path):
    Journal(tmp_path).add(result())
    for trace in (tmp_path / "traces").iterdir():
        trace.unlink()

    with pytest.raises(RunError, match="trace"):
        Journal(tmp_path)


def test_the_journal_is_strict_json(tmp_path):
    Journal(tmp_path).add(result(score=math.nan))

    def refuse(constant):
        raise AssertionError(constant)

    for line in (tmp_path / "journal.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)
