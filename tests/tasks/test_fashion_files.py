"""The files of Fashion-MNIST are found, fetched whole or not at all, and read or refused."""

from __future__ import annotations

import functools
import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.tasks.fashion_files import SHA256, cache_directory, download, locate, read_idx

NAMES = list(SHA256)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with four files, and the address it is served at."""
    folder = tmp_path / "served"
    folder.mkdir()
    for i, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([i]) * (1000 + i))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def sums(served: tuple[Path, str]) -> dict[str, str]:
    return {name: hashlib.sha256((served[0] / name).read_bytes()).hexdigest() for name in NAMES}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("LRDECAY_DATA", raising=False)
    return tmp_path / "cache" / "lrdecay" / "fashion-mnist"


def filled(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_bytes(b"x")
    return folder


def refused(data: str | None = None, *, system: Path = Path("/nowhere"), sources: tuple[str, ...] = ()) -> str:
    with pytest.raises(InputError) as caught:
        locate(data, system=system, sources=sources, timeout=0.3)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_cache_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_directory() == tmp_path / "cache" / "lrdecay" / "fashion-mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_directory() == Path("/home/somebody/.cache/lrdecay/fashion-mnist")


def test_they_are_looked_for_where_the_user_says_then_in_the_system_then_in_the_cache(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(own_cache)
    assert locate(None, system=tmp_path / "system", sources=()) == own_cache
    system = filled(tmp_path / "system")
    assert locate(None, system=system, sources=()) == system
    variable = filled(tmp_path / "variable")
    monkeypatch.setenv("LRDECAY_DATA", str(variable))
    assert locate(None, system=system, sources=()) == variable
    argument = filled(tmp_path / "argument")
    assert locate(str(argument), system=system, sources=()) == argument


def test_a_directory_that_is_named_must_hold_all_four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, named = filled(tmp_path / "system"), filled(tmp_path / "named")
    (named / NAMES[1]).unlink()
    words = f"must be a directory that holds {NAMES[1]}, got '{named}'."
    assert refused(str(named), system=system) == f"`fashion(data=...)` {words}"
    monkeypatch.setenv("LRDECAY_DATA", str(named))
    assert refused(system=system) == f"`LRDECAY_DATA` {words}"


def test_where_nothing_is_found_one_line_names_the_three_ways() -> None:
    words = refused()
    for way in ("dataset-fashion-mnist", "--with data=DIR", "LRDECAY_DATA=DIR", "network"):
        assert way in words


def test_a_download_puts_the_right_files_into_the_cache_and_nothing_else(
    served: tuple[Path, str], sums: dict[str, str], own_cache: Path
) -> None:
    folder, address = served
    assert locate(None, system=Path("/nowhere"), sources=(address,), sums=sums) == own_cache
    assert sorted(p.name for p in own_cache.iterdir()) == sorted(NAMES)
    assert all((own_cache / name).read_bytes() == (folder / name).read_bytes() for name in NAMES)


def test_a_second_run_takes_the_cache_without_a_network(
    served: tuple[Path, str], sums: dict[str, str], own_cache: Path
) -> None:
    locate(None, system=Path("/nowhere"), sources=(served[1],), sums=sums)
    assert locate(None, system=Path("/nowhere"), sources=(), sums=sums) == own_cache


def test_a_file_with_another_checksum_is_not_kept(
    served: tuple[Path, str], sums: dict[str, str], own_cache: Path
) -> None:
    (served[0] / NAMES[2]).write_bytes(b"tampered")
    with pytest.raises(InputError) as caught:
        locate(None, system=Path("/nowhere"), sources=(served[1],), sums=sums)
    assert "must have the SHA-256" in str(caught.value)
    assert "dataset-fashion-mnist" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in own_cache.iterdir()) == sorted(NAMES[:2])


def test_a_source_that_fails_is_followed_by_the_next(
    served: tuple[Path, str], sums: dict[str, str], own_cache: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        missing = served[1] + "no-such-folder/"
        found = locate(None, system=Path("/nowhere"), sources=(dead, missing, served[1]), sums=sums, timeout=1)
    assert found == own_cache


def test_a_server_that_never_answers_is_given_up(own_cache: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        words = refused(sources=(f"http://127.0.0.1:{silent.getsockname()[1]}/",))
    assert "timed out" in words
    assert list(own_cache.iterdir()) == []


def test_an_answer_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        with pytest.raises(RunError) as caught:
            download(f"http://127.0.0.1:{listener.getsockname()[1]}/x", tmp_path / "data" / "x", "0" * 64, timeout=2)
        thread.join()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, served: tuple[Path, str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="must be answered"):
        download(served[1] + NAMES[0], tmp_path / "file" / "x", "0" * 64)


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, kind, array.ndim]) + shape + array.astype(np.uint8).tobytes()


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 28, 28), (300,)])
def test_an_idx_file_is_read_as_it_was_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)) % 256).astype(np.uint8).reshape(shape)
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(tmp_path / "x.gz"), array)


GOOD = idx(np.arange(12).reshape(3, 4))
BROKEN = {
    "empty": b"",
    "not gzipped": GOOD,
    "cut gzip": gzip.compress(GOOD)[:-9],
    "damaged gzip": gzip.compress(GOOD)[:12] + b"\xff\xff" + gzip.compress(GOOD)[14:],
    "gzip of nothing": gzip.compress(b""),
    "too few numbers": gzip.compress(GOOD[:-1]),
    "too many numbers": gzip.compress(GOOD + b"\0"),
    "cut header": gzip.compress(GOOD[:7]),
    "numbers of four bytes": gzip.compress(idx(np.arange(3), kind=0x0C)),
    "a text": gzip.compress(b"<html>not found</html>"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_file_is_refused_by_name_in_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(BROKEN[damage])
    with pytest.raises(InputError) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a gzipped IDX file"):
        read_idx(tmp_path / "absent.gz")
