"""A place says which store it is; what is no place for one is refused in a line."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lrdecay.errors import InputError, MissingExtraError, RunError
from lrdecay.runs.store import opening
from lrdecay.runs.store.directory import DirectoryStore
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.sql import SqlStore


def test_a_folder_gets_an_sqlite_file_and_nothing_is_said(tmp_path: Path) -> None:
    with open_store(tmp_path / "a" / "study") as store:
        assert isinstance(store, SqlStore)
        assert (store.where, store.note) == (str(tmp_path / "a" / "study" / "lrdecay.db"), None)
    assert sqlite3.connect(store.where).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_no_place_is_the_folder_of_reports_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store() as store:
        store.publish("a", "start", {})
    assert (tmp_path / "lrdecay-reports" / "lrdecay.db").exists()


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_a_file_is_an_sqlite_database(tmp_path: Path, form: str) -> None:
    path = tmp_path / "mine.db"
    with open_store(form.format(path)) as store:
        store.publish("a", "start", {})
        assert store.where == str(path)
    with open_store(path) as again:
        assert again.runs() == ["a"]


def test_dir_is_plain_files_anywhere(tmp_path: Path) -> None:
    with open_store(f"dir:{tmp_path / 'x y'}") as store:
        assert isinstance(store, DirectoryStore)
        assert store.where == f"dir:{tmp_path / 'x y'}"
    with open_store(store.where) as again:
        assert again.check() == []


@pytest.fixture
def on_nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "network_filesystem", lambda _: "nfs4")


@pytest.mark.usefixtures("on_nfs")
def test_on_a_network_filesystem_a_folder_gets_plain_files_and_says_so(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        assert isinstance(store, DirectoryStore)
        assert store.note == (
            f"`{tmp_path}` is on a network filesystem (nfs4), where databases lock badly: the store is plain files."
        )


@pytest.mark.parametrize("place", ["lrdecay.db", "."])
def test_an_sqlite_file_on_a_network_filesystem_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    open_store(tmp_path).close()
    monkeypatch.setattr(opening, "network_filesystem", lambda _: "nfs4")
    with pytest.raises(InputError, match=r"must not be on a network filesystem \(nfs4\).*Use dir:PATH"):
        open_store(tmp_path / place)


def test_files_that_were_begun_on_a_network_are_found_again_on_a_local_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as m:
        m.setattr(opening, "network_filesystem", lambda _: "nfs4")
        open_store(tmp_path).publish("a", "start", {})
    with open_store(tmp_path) as store:
        assert store.runs() == ["a"]
        assert store.note is None


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("", "must name a folder, a file, dir:PATH or a URL"),
        ("dir:", "must name a folder"),
        ("mysql://root:hunter2@host/db", "must begin with postgresql:// or sqlite:///PATH"),
        ("sqlite://", "must begin with postgresql:// or sqlite:///PATH"),
        ("postgresql://u:hunter2@host:port/db", "must be like postgresql://user@host:5432/database"),
    ],
)
def test_what_is_no_place_is_refused_in_a_line_without_its_password(place: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule) as caught:
        open_store(place)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("psycopg") is None, reason="psycopg is not installed")
def test_a_database_that_does_not_answer_is_one_line_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="must be a database that answers") as caught:
        open_store(f"postgresql://u:hunter2@/db?host={tmp_path}")
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", [b"step,loss\n0,1.5\n" * 100, b"hello"])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match="got a file that is no database"):
        open_store(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "folder", f"dir:{tmp_path / 'file' / 'folder'}"):
        with pytest.raises(RunError, match=r"Not a directory|File exists") as caught:
            open_store(place)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("absent", "place", "extra"),
    [
        ("sqlalchemy", "x.db", "study"),
        ("cattrs", "dir:x", "study"),
        ("psycopg", "postgresql://host/db", "postgres"),
    ],
)
def test_a_missing_package_is_named_with_the_pip_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, absent: str, place: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else found(name))
    with pytest.raises(MissingExtraError, match=rf"must have {absent}, .*pip install 'lrdecay\[{extra}\]'"):
        open_store(place)


def test_sqlalchemy_and_cattrs_are_imported_when_a_store_is_opened_and_not_before(tmp_path: Path) -> None:
    code = (
        "import sys, lrdecay, lrdecay.runs.store.opening as o\n"
        "print(*({'sqlalchemy', 'cattrs', 'psycopg'} & set(sys.modules)))\n"
        "o.open_store(sys.argv[1]).close()\n"
        "print(*sorted({'sqlalchemy', 'cattrs', 'psycopg'} & set(sys.modules)))\n"
        "print('sqlalchemy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.db")], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == ["", "cattrs sqlalchemy", "True"]
    done = subprocess.run([sys.executable, "-c", code, f"dir:{tmp_path / 'x'}"], capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == ["", "cattrs", "False"]
