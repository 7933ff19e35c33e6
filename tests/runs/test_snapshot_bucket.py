"""Snapshots in a bucket of a real S3 server: the same bits or an error, whole or not there, and nothing left."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import fsspec
import numpy as np
import pytest
from tests.buckets import bucket_server, forget, objects

from lrdecay.cli.main import run as cli
from lrdecay.errors import InputError, MissingExtraError, RunError
from lrdecay.runs.snapshot_bucket import Bucket, check_address
from lrdecay.runs.snapshot_file import BrokenSnapshotError, checkpoint_in
from lrdecay.runs.snapshot_folder import sees
from lrdecay.runs.trainable import Snapshot

WHOLE = Snapshot(
    {"w": np.random.default_rng(0).standard_normal((3, 5)).astype("f4"), "none": np.empty((0, 3)), "n": np.array(7)},
    {"step": 3, "groups": [{"lr": 0.1}]},
)


@pytest.fixture(scope="module", autouse=True)
def server():
    with bucket_server("mine") as address:
        yield address


@pytest.fixture
def bucket():
    found = Bucket("s3://mine/deep/in it")
    yield found
    found.clean()
    assert objects("mine") == []


def changed(path: str) -> None:
    store = fsspec.filesystem("s3")
    data = bytearray(store.cat_file(f"mine/deep/in it/{path}"))
    data[len(data) // 2] ^= 1
    store.pipe_file(f"mine/deep/in it/{path}", bytes(data))


def test_a_tasks_snapshot_is_one_object_and_comes_back_bit_for_bit(bucket) -> None:
    size = bucket.write("a", WHOLE)

    assert objects("mine") == ["deep/in it/a/state"]
    assert size > WHOLE.nbytes
    assert bucket.has("a")
    assert not bucket.has("b")
    again = bucket.read("a")
    assert again.digest() == WHOLE.digest()
    assert again.state == WHOLE.state
    bucket.remove("a")
    bucket.remove("a")
    assert not bucket.has("a")


def test_one_that_has_changed_is_an_error_and_is_removed_so_that_its_trunk_is_trained_again(bucket) -> None:
    bucket.write("a", WHOLE)
    changed("a/state")

    with pytest.raises(BrokenSnapshotError, match=r"another checksum\. Run the same command again"):
        bucket.read("a")
    assert not bucket.has("a")
    with pytest.raises(BrokenSnapshotError, match="s3://mine/deep/in it/a/state` must be a snapshot as it was"):
        bucket.read("a")


def written(bucket: Bucket, name: str, spare) -> dict[str, bytes]:
    """A script's checkpoint as frameworks write them: folders in folders, an empty file, an empty folder."""
    path = checkpoint_in(bucket.desk(name, spare))
    (path / "shards" / "of two").mkdir(parents=True)
    (path / "bare").mkdir()
    files = {"shards/of two/0": b"weights" * 1000, "shards/1": b"", "latest": b"step-3"}
    for file, content in files.items():
        (path / file).write_bytes(content)
    path.with_name("checkpoint.random.npz").write_bytes(b"random")
    return files


def test_a_scripts_folder_comes_back_as_it_was_and_is_whole_once_its_manifest_is_there(bucket, tmp_path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    files = written(bucket, "a", here)
    assert objects("mine") == []
    bucket.seal("a", here)
    assert len(objects("mine")) == len(files) + 2  # the random state and the manifest

    found = bucket.checkpoint("a", there)
    assert found.is_relative_to(there)
    assert {p.relative_to(found).as_posix(): p.read_bytes() for p in found.rglob("*") if p.is_file()} == files
    assert (found / "bare").is_dir()
    assert found.with_name("checkpoint.random.npz").read_bytes() == b"random"

    fsspec.filesystem("s3").rm_file("mine/deep/in it/a/manifest.json")  # as a kill on the way leaves it
    assert not bucket.has("a")
    assert bucket.sweep({"a"}) == 1


@pytest.mark.parametrize("damage", ["changed", "missing", "outside", "no manifest"])
def test_a_scripts_folder_that_is_not_as_it_was_is_an_error_and_is_removed(bucket, tmp_path, damage) -> None:
    written(bucket, "a", tmp_path)
    bucket.seal("a", tmp_path)
    store, at = fsspec.filesystem("s3"), "mine/deep/in it/a"
    if damage == "changed":
        changed("a/checkpoint/shards/of two/0")
    elif damage == "missing":
        store.rm_file(f"{at}/checkpoint/latest")
    elif damage == "outside":
        store.pipe_file(f"{at}/manifest.json", json.dumps({"../../passwd": "0"}).encode())
    else:
        store.pipe_file(f"{at}/manifest.json", b"[")
    (tmp_path / "again").mkdir()

    with pytest.raises(BrokenSnapshotError, match="must be a snapshot as it was written"):
        bucket.checkpoint("a", tmp_path / "again")
    assert not bucket.has("a")


def test_a_link_to_a_folder_is_refused_since_objects_have_none(bucket, tmp_path) -> None:
    path = checkpoint_in(bucket.desk("a", tmp_path))
    (path / "step-3").mkdir(parents=True)
    (path / "latest").symlink_to("step-3", target_is_directory=True)

    with pytest.raises(RunError, match=r"must write no links to folders .* got 'checkpoint/latest'"):
        bucket.seal("a", tmp_path)


def test_what_another_process_wrote_and_removed_is_seen_and_orphans_are_swept(bucket) -> None:
    bucket.write("kept", WHOLE)
    assert bucket.sweep({"kept", "half"}) == 0  # and the store has been listed
    code = (
        "import fsspec; store = fsspec.filesystem('s3')\n"
        "for name in ('half/checkpoint/0', 'orphan/state', '.reach.1'):\n"
        "    store.pipe_file(f'mine/deep/in it/{name}', b'x')\n"
        "store.pipe_file('mine/deep/in it and more/state', b'x')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

    assert bucket.has("orphan")
    assert bucket.sweep({"kept", "half"}) == 3
    assert objects("mine") == ["deep/in it and more/state", "deep/in it/kept/state"]
    fsspec.filesystem("s3").rm("mine/deep/in it and more/state")
    assert Bucket("s3://mine/nothing").sweep(()) == 0


def test_a_mark_is_seen_while_it_is_there(bucket) -> None:
    with bucket.marked() as mark:
        assert sees(bucket, mark)
        assert not sees(bucket, "another")
        assert len(objects("mine")) == 1
    assert objects("mine") == []
    assert not sees(bucket, mark)


def refused(address: str) -> str:
    with pytest.raises(InputError, match="--snapshots") as caught, Bucket(address).marked():
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_bucket_that_is_not_there_is_said_before_anything_is_written() -> None:
    said = refused("s3://no-such-bucket/x")
    assert "must be a place where" in said
    assert "bucket does not exist" in said
    assert "s3://no-such-bucket/x" in said
    assert not fsspec.filesystem("s3").exists("no-such-bucket")  # nor made


def test_wrong_credentials_and_a_server_that_is_not_there_are_said(server, monkeypatch) -> None:
    def refuse_strangers_after(count: int) -> None:
        text = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{server}/moto-api/reset-auth", str(count).encode(), text, method="POST")
        urllib.request.urlopen(request).close()

    refuse_strangers_after(0)
    try:
        assert "PermissionError" in refused("s3://mine/x")
    finally:
        refuse_strangers_after(10**9)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # else it is tried for 8 seconds
    forget()
    assert "Could not connect" in refused("s3://mine/x")
    with pytest.raises(RunError, match=r"Could not connect.*What was finished is kept; run the same command"):
        Bucket("s3://mine/x").write("a", WHOLE)
    monkeypatch.undo()
    forget()


def test_what_is_not_installed_is_one_line_with_its_cure(capsys, monkeypatch) -> None:
    with pytest.raises(MissingExtraError, match=r"must have a package for gs://.*Run: pip install gcsfs$"):
        check_address("gs://bucket/prefix")
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3")  # found before
    monkeypatch.setitem(sys.modules, "s3fs", None)
    asked = ["compare", "quadratic", "-s", "linear(0.1)", "--fixed-peak", "--engine", "ray"]
    assert cli([*asked, "--snapshots", "s3://mine/x"]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert said.endswith("must have a package for s3://, which is not installed. Run: pip install s3fs")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("floppy://a/b", "must be of a kind that fsspec knows"),
        ("simplecache::s3://mine/x", "must be a plain address without '::'"),
        ("s3://", "must name a bucket"),
        ("s3://mine/*", "must be a plain address without"),
    ],
)
def test_what_is_no_place_for_snapshots_is_refused(address, said) -> None:
    with pytest.raises(InputError, match=said):
        check_address(address)
