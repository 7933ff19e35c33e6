"""What a study has finished is in its store, with what it was made of, and says to which study it belongs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Member, StudyRecord
from lrdecay.runs.trace import Trace
from lrdecay.sweep.journal import Journal


def result(score=0.5, diverged=None):
    steps = np.arange(4)
    losses, accuracy = np.array([2.0, 1.5, 1 / 3, math.inf]), np.array([math.nan, 0.1, math.nan, 0.5])
    trace = Trace(steps, steps / 3, np.full(4, 0.1), losses, {"acc": accuracy})
    return RunResult("a" * 64, 3, "cosine(0.1)", "acc", "max", score, {"acc": score}, trace, diverged, 1.25, ("said",))


@pytest.mark.parametrize("divergence", [None, Divergence(3, 0.1, "inf")])
def test_what_was_added_is_read_back_the_same(tmp_path, divergence):
    first = result(0.5 if divergence is None else math.nan, divergence)
    with Journal(tmp_path) as journal:
        assert journal.get("a" * 64) is None
        journal.add(first, ["n1"])
        assert journal.get("a" * 64) is first
    with Journal(tmp_path) as journal:
        again = journal.get("a" * 64)
        assert journal.store.check() == ["result " + "a" * 64 + " lacks its node n1"]

    assert (again.seed, again.schedule, again.metric, again.goal) == (3, "cosine(0.1)", "acc", "max")
    assert (again.notes, again.diverged) == (("said",), divergence)
    assert np.array(again.score).tobytes() == np.array(first.score).tobytes()
    for name in ("step", "epoch", "rate", "loss"):
        assert getattr(again.trace, name).tobytes() == getattr(first.trace, name).tobytes()


def test_runs_join_the_study_they_are_made_for(tmp_path):
    member = Member("a" * 64, "cosine(peak)", "cosine(0.1)", 3, 0.1, "score")
    study = StudyRecord({"q": 1}, "compare")
    with Journal(tmp_path, None, study) as journal:
        journal.store.put_study(study)
        journal.join([member])
        assert journal.store.members(study.id) == [member]


def test_a_store_that_was_given_stays_open(tmp_path):
    with open_store(tmp_path / "s.db") as store:
        with Journal(tmp_path, store) as journal:
            journal.add(result())
        assert store.result("a" * 64) is not None


def test_the_folder_of_an_older_version_is_refused_in_one_line(tmp_path):
    (tmp_path / "journal.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"got one with a journal\.jsonl, which an older lrdecay .* another --out"):
        Journal(tmp_path)
