"""A checkpoint this tool did not write: its content is what it is, and it is never changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from lrdecay.errors import InputError, RunError
from lrdecay.runs.origin import Origin, checkpoint_hash
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_a_hash_is_of_contents_and_names_inside_and_not_of_the_place(tmp_path):
    one = folder(tmp_path / "one", a="1", b="2")
    same = folder(tmp_path / "two", b="2", a="1")
    others = [folder(tmp_path / "three", a="2", b="1"), folder(tmp_path / "four", a="1")]

    assert checkpoint_hash(one) == checkpoint_hash(same)
    assert len({checkpoint_hash(path) for path in (one, *others)}) == 3


def test_the_random_state_kept_beside_a_checkpoint_belongs_to_it(tmp_path):
    (tmp_path / "ckpt[1]").write_text("w")
    alone = checkpoint_hash(tmp_path / "ckpt[1]")
    (tmp_path / "ckpt[1]0.random.npz").write_text("of another")

    assert checkpoint_hash(tmp_path / "ckpt[1]") == alone
    (tmp_path / "ckpt[1].random.npz").write_text("state")
    assert checkpoint_hash(tmp_path / "ckpt[1]") != alone


def test_a_checkpoint_that_is_not_there_or_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="`--from CHECKPOINT` must be there, got"):
        checkpoint_hash(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="must hold files"):
        checkpoint_hash(tmp_path / "empty")


def test_a_checkpoint_that_changes_under_a_study_stops_it(tmp_path):
    (tmp_path / "c").write_text("w")
    origin = Origin(tmp_path / "c", 3, checkpoint_hash(tmp_path / "c"))
    assert origin.unchanged() == tmp_path / "c"
    (tmp_path / "c").write_text("v")
    with pytest.raises(RunError, match=r"must stay as it is .* got another content"):
        origin.unchanged()
    (tmp_path / "c").unlink()
    with pytest.raises(RunError, match="must be there"):
        origin.unchanged()


def test_a_run_from_a_checkpoint_is_what_it_does_after_it(tmp_path):
    origin = Origin(tmp_path / "c", 2, "abc")
    source = ScriptSource("true")
    run = RunSpec(source, 0, "x", Horizon(steps=4), np.array([9.0, 9.0, 1.0, 2.0]), None, None, origin=origin)
    other_past = evolve(run, rates=np.array([5.0, 6.0, 1.0, 2.0]))

    assert (run.start, run.to_train, run.steps) == (2, 2, 4)
    assert run.identity() == other_past.identity()
    for other in (
        evolve(run, rates=np.array([9.0, 9.0, 1.0, 3.0])),
        evolve(run, origin=evolve(origin, digest="other")),
        evolve(run, origin=evolve(origin, step=1)),
        evolve(run, origin=None),
    ):
        assert run.identity() != other.identity()
    assert evolve(run, origin=evolve(origin, checkpoint=tmp_path / "moved")).identity() == run.identity()
    assert run.prefix_header() != evolve(run, origin=None).prefix_header()
