"""The places a store can be: an SQLite file, a folder, and a database of a real PostgreSQL server, where there is one.

The server is started once, by another user where the tests run as root (PostgreSQL refuses root), in a folder of its
own, reached by a socket there. Without its programs or psycopg its tests are skipped, and say so.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

KINDS = ("sqlite", "directory", "postgresql")


def programs() -> Path | None:
    """The folder of initdb and pg_ctl."""
    for folder in (
        *os.environ["PATH"].split(os.pathsep),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    ):
        found = shutil.which("pg_ctl", path=str(folder))
        if found and (Path(found).resolve().parent / "initdb").exists():
            return Path(found).resolve().parent
    return None


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A running server's socket folder."""
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL server is installed: initdb and pg_ctl were not found")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'lrdecay[postgres]'")
    home = Path(tempfile.mkdtemp(prefix="pg"))
    other = {}
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        other = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        log = home.with_suffix(".log")
        with log.open("ab") as out:
            command = [folder / program, *arguments]
            subprocess.run(command, check=True, stdout=out, stderr=out, cwd=home, **other)

    run("initdb", "-D", str(home / "data"), "-U", "lrdecay", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
    run("pg_ctl", "-D", str(home / "data"), "-w", "-l", str(home / "log"), "-o", f"-k {home} -h '' -F", "start")
    try:
        yield str(home)
    finally:
        run("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home)
        home.with_suffix(".log").unlink()


@pytest.fixture
def database(server: str) -> str:
    """The URL of a database with nothing in it; the same one every time."""
    import psycopg

    with psycopg.connect(f"host={server} user=lrdecay dbname=postgres", autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return f"postgresql://lrdecay@/postgres?host={server}"


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What opens an empty store of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("database"))
    return str(tmp_path / "store.db") if request.param == "sqlite" else f"dir:{tmp_path / 'store'}"
