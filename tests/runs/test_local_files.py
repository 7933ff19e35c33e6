"""A program is its file and what it imports from beside it, however deep; nothing that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrdecay.runs.local_files import content_hash, imported_files, program_of


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(
        "import json\nimport numpy\nimport model\n\ndef f():\n    from data.read import x\n"
    )
    (tmp_path / "model.py").write_text("from layers import *\n")
    (tmp_path / "layers.py").write_text("width = 3\n")
    (tmp_path / "unused.py").write_text("raise SystemExit\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "__init__.py").write_text("")
    (tmp_path / "data" / "read.py").write_text("from . import other\nx = 1\n")
    (tmp_path / "data" / "other.py").write_text("")
    return tmp_path / "train.py"


def test_modules_beside_are_found_also_inside_functions_and_packages_and_by_star_imports(program: Path) -> None:
    found = [str(p.relative_to(program.parent)) for p in imported_files(program)]

    assert found[0] == "train.py"
    assert sorted(found[1:]) == ["data/__init__.py", "data/other.py", "data/read.py", "layers.py", "model.py"]


def test_a_program_that_cannot_be_read_stands_alone(program: Path) -> None:
    program.write_text("import model\ndef (:\n")

    assert imported_files(program) == [program]


def test_the_program_of_a_command_is_the_file_it_names_or_the_module_after_m(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__main__.py").write_text("")
    (tmp_path / "pkg" / "run.py").write_text("")
    (tmp_path / "train.py").write_text("")

    assert program_of(["torchrun", "--nproc-per-node", "2", "train.py", "--lr", "1"]) == Path("train.py")
    assert program_of(["python", "-m", "pkg.run"]) == Path("pkg/run.py")
    assert program_of(["python", "-m", "pkg"]) == Path("pkg/__main__.py")
    assert program_of(["python", "-m", "pytest"]) is None
    assert program_of(["./train"]) is None


def test_the_hash_follows_every_content_and_not_the_folder(program: Path, tmp_path: Path) -> None:
    before = content_hash(imported_files(program))
    (program.parent / "layers.py").write_text("width = 4\n")
    assert content_hash(imported_files(program)) != before
    (program.parent / "layers.py").write_text("width = 3\n")
    assert content_hash(imported_files(program)) == before
