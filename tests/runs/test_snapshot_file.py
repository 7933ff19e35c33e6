"""Snapshots on disk: the same bits or an error, never a half one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrdecay.errors import RunError
from lrdecay.runs import snapshot_file as files
from lrdecay.runs.trainable import Snapshot

ARRAYS = {
    "w": np.random.default_rng(0).standard_normal((3, 5)).astype("f4"),
    "turned": np.arange(12.0).reshape(3, 4).T,
    "scalar": np.array(7, dtype=np.int64),
    "none": np.empty((0, 3), dtype="f8"),
    "odd": np.array([1, 2, 3], dtype="u1"),
    "half": np.array([1.5, np.nan, -0.0], dtype="f2"),
    "other order": np.array([1, 2], dtype=">i4"),
    "mask": np.array([True, False]),
}
WHOLE = Snapshot(ARRAYS, {"step": 3, "betas": [0.9, 0.999], "nan": math.inf, "groups": [{"lr": 0.1}]})


def test_a_snapshot_comes_back_bit_for_bit_and_can_be_written_to(tmp_path) -> None:
    size = files.write_snapshot(tmp_path / "a", WHOLE)
    again = files.read_snapshot(tmp_path / "a")

    assert again.digest() == WHOLE.digest()
    assert again.state == WHOLE.state
    for name, array in ARRAYS.items():
        assert again.tensors[name].dtype == array.dtype
        assert again.tensors[name].tobytes() == array.tobytes()
        assert again.tensors[name].flags.writeable
    assert size == files.size_of(tmp_path / "a") > WHOLE.nbytes


@pytest.mark.parametrize("where", [0, 5, 25, 200, -70, -1])
def test_one_changed_byte_is_an_error(tmp_path, where) -> None:
    files.write_snapshot(tmp_path, WHOLE)
    data = bytearray((tmp_path / "state").read_bytes())
    data[where] ^= 1
    (tmp_path / "state").write_bytes(data)

    with pytest.raises(RunError, match="checksum"):
        files.read_snapshot(tmp_path)


def test_one_that_is_cut_short_or_not_there_is_an_error(tmp_path) -> None:
    files.write_snapshot(tmp_path, WHOLE)
    data = (tmp_path / "state").read_bytes()
    for length in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / "state").write_bytes(data[:length])
        with pytest.raises(RunError, match="checksum"):
            files.read_snapshot(tmp_path)
    with pytest.raises(RunError, match="No such file"):
        files.read_snapshot(tmp_path / "nowhere")


def test_what_would_need_a_pickle_is_refused_and_leaves_nothing(tmp_path) -> None:
    with pytest.raises(RunError, match="plain numbers, got object in 'bad'"):
        files.write_snapshot(tmp_path / "a", Snapshot({"bad": np.array([object()])}, {}))
    assert not (tmp_path / "a").exists()


def test_a_checkpoint_is_a_file_or_a_folder_and_is_whole_once_it_is_sealed(tmp_path) -> None:
    for name in ("file", "folder"):
        path = files.checkpoint_in(tmp_path / name)
        path.parent.mkdir()
        if name == "folder":
            (path / "shard").mkdir(parents=True)
            path = path / "shard" / "0"
        path.write_bytes(b"weights")
        (tmp_path / name / "checkpoint.random.npz").write_bytes(b"random")
        assert not files.has_snapshot(tmp_path / name)
        files.seal_checkpoint(tmp_path / name)
        assert files.has_snapshot(tmp_path / name)
        assert files.verified_checkpoint(tmp_path / name) == tmp_path / name / "checkpoint"
        path.write_bytes(b"Weights")
        with pytest.raises(RunError, match="checksum"):
            files.verified_checkpoint(tmp_path / name)


def test_a_script_that_saves_nothing_is_told(tmp_path) -> None:
    with pytest.raises(RunError, match="must write a checkpoint at the path it is given"):
        files.seal_checkpoint(tmp_path)


def test_a_full_disk_is_one_line_and_leaves_no_half_snapshot(tmp_path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    with pytest.raises(RunError, match="must take a snapshot, got"):
        files.write_snapshot(tmp_path / "blocked" / "a", WHOLE)


def test_orphans_and_halves_are_swept_and_the_rest_is_kept(tmp_path) -> None:
    for name in ("kept", "orphan"):
        files.write_snapshot(tmp_path / name, WHOLE)
    files.checkpoint_in(tmp_path / "half").mkdir(parents=True)
    (tmp_path / "kept" / ".state.1.tmp").write_bytes(b"")

    assert files.sweep_snapshots(tmp_path, {"kept", "half"}) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert files.sweep_snapshots(tmp_path / "nowhere", ()) == 0
