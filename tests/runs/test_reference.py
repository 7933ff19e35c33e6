"""Naming a function in text: found by import in any process, refused in one line where it cannot be."""

from __future__ import annotations

import functools
import hashlib
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference, reference_to
from lrdecay.tasks.quadratic import quadratic

GOOD = """from lrdecay.tasks.quadratic import quadratic


def tiny(seed, *, steps=30):
    return quadratic(seed, steps=steps)
"""


@pytest.fixture(autouse=True)
def _leave_no_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test imports from its folder is forgotten."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith(("lrdecay.", "numpy.")):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "mytask.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def refused(target: str, said: str, **arguments: Any) -> str:
    with pytest.raises(InputError, match=said) as caught:
        TaskReference(target, arguments).function()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_function_of_a_module_and_of_a_file_is_found_by_its_name(write: Callable[..., Path]) -> None:
    assert TaskReference("lrdecay.tasks.quadratic:quadratic").function() is quadratic
    path = write(GOOD, "a folder/my-task.py")
    made = TaskReference(f"{path}:tiny", {"steps": 7}).function()(3, steps=7)
    assert made.horizon.steps == 7


def test_a_file_is_imported_once_and_by_what_it_is_not_by_how_its_path_is_written(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(GOOD)
    first = TaskReference(f"{path}:tiny").function()
    monkeypatch.chdir(path.parent)
    assert TaskReference("mytask.py:tiny").function() is first
    assert TaskReference("./mytask.py:tiny").function() is first


def test_two_files_of_one_name_are_two_modules(write: Callable[..., Path]) -> None:
    one = write("def f(seed):\n    return 1\n", "one/mytask.py")
    two = write("def f(seed):\n    return 2\n", "two/mytask.py")
    assert [TaskReference(f"{path}:f").function()(0) for path in (one, two)] == [1, 2]


def test_a_file_may_import_what_stands_beside_it(write: Callable[..., Path]) -> None:
    write("WIDTH = 12\n", "beside_the_task.py")
    path = write("from beside_the_task import WIDTH\n\n\ndef f(seed):\n    return WIDTH\n")
    assert TaskReference(f"{path}:f").function()(0) == 12


def test_a_worker_of_another_process_finds_the_same_function_and_the_same_hash(write: Callable[..., Path]) -> None:
    path = write(GOOD)
    code = (
        "import sys; from lrdecay.runs.reference import TaskReference\n"
        "r = TaskReference(sys.argv[1]); print(r.function()(0).horizon.steps, r.source_hash())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, f"{path}:tiny"], check=True, capture_output=True, text=True
    ).stdout
    assert said.split() == ["30", TaskReference(f"{path}:tiny").source_hash()]


@pytest.mark.parametrize(
    "target", ["", "quadratic", "file.py:", ":f", "file.py:a.b", "file.py:f()", "file.py:1", "a:b c"]
)
def test_what_names_no_function_is_refused_before_anything_is_imported(target: str) -> None:
    with pytest.raises(
        InputError, match=r"`TASK` must name a function that makes a task, got .*path/to/file.py:function"
    ):
        TaskReference(target)


def test_a_file_that_is_not_there_is_refused_before_anything_is_imported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must name a Python file that exists, got 'no/such\.py'"):
        TaskReference("no/such.py:f")
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(InputError, match="must name a Python file that exists"):
        TaskReference(f"{tmp_path / 'folder.py'}:f")


def test_a_module_that_is_not_there_is_refused() -> None:
    refused("no_such_module_at_all:f", "must import without an error, got ModuleNotFoundError: No module named")
    refused("lrdecay.no_such:f", "must import without an error, got ModuleNotFoundError")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(seed):\n    return (\n", r"got SyntaxError: '\(' was never closed \(mytask.py, line 2\)"),
        ("import no_such_module_at_all\n", "got ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("from lrdecay.schedule import no_such\n", "got ImportError: cannot import name 'no_such'"),
        ("from . import beside\n", "got ImportError: attempted relative import"),
        ("1 / 0\n", "got ZeroDivisionError: division by zero"),
        ("raise ValueError('two\\nlines')\n", "got ValueError: two lines"),
        ("assert False\n", "got AssertionError: no message"),
        ("import argparse\nargparse.ArgumentParser().parse_args(['--no'])\n", "got SystemExit: 2"),
        ("import sys\nsys.exit()\n", "got SystemExit: (no message|0)"),  # 0 once wandb, loaded by a test, has its hook
    ],
    ids=["syntax", "module", "name", "relative", "raises", "lines", "silent", "argparse", "exit"],
)
def test_a_file_that_does_not_import_is_refused_with_the_reason_and_can_be_mended(
    write: Callable[..., Path], text: str, said: str
) -> None:
    path = write(text)
    message = refused(f"{path}:f", said)
    assert message.startswith(f"`{path}` must import without an error")
    path.write_text("# mended now, and of another length\n\n\ndef f(seed):\n    return seed\n")
    importlib.invalidate_caches()
    assert TaskReference(f"{path}:f").function()(5) == 5


def test_ctrl_c_while_a_file_is_imported_is_ctrl_c(write: Callable[..., Path]) -> None:
    path = write("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        TaskReference(f"{path}:f").function()


def test_a_misspelt_function_is_answered_with_the_nearest_one(write: Callable[..., Path]) -> None:
    path = write(GOOD + "\n\ndef _hidden(seed):\n    pass\n\n\nx = 3\n")
    assert refused(f"{path}:tny", "must be a function in that file, got 'tny'").endswith("Did you mean `tiny`?")
    assert "Known: quadratic, tiny." in refused(f"{path}:zzz", "must be a function in that file")
    refused(f"{path}:x", "must be a function in that file, got 'x'")
    refused("lrdecay.tasks.quadratic:quadratc", "Did you mean `quadratic`?")


def test_a_file_without_functions_is_said_to_have_none(write: Callable[..., Path]) -> None:
    assert refused(f"{write('x = 1')}:f", "must be a function in that file").endswith("There is none in it.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"step": 3}, r"callable as tiny\(seed, step=...\), got an unexpected keyword argument 'step'"),
        ({"seed": 3}, r"got multiple values for argument 'seed'"),
    ],
    ids=["misspelt", "seed"],
)
def test_arguments_it_does_not_take_are_refused_before_it_is_called(
    write: Callable[..., Path], arguments: dict[str, Any], said: str
) -> None:
    path = write(GOOD)
    assert "It takes: steps." in refused(f"{path}:tiny", said, **arguments)


def test_an_argument_that_is_missing_is_refused(write: Callable[..., Path]) -> None:
    path = write("def f(seed, width):\n    pass\n\n\ndef g():\n    pass\n")
    refused(f"{path}:f", "missing a required argument: 'width'. It takes: width.")
    refused(f"{path}:g", "too many positional arguments. It takes: only the seed.")


def test_a_callable_that_does_not_say_what_it_takes_is_refused() -> None:
    refused("builtins:min", "must be a function that says what it takes, got <built-in function min>")


def test_arguments_that_cannot_be_written_down_are_refused_at_once() -> None:
    with pytest.raises(InputError, match=r"must be numbers, texts, lists or tables, got \{'sigma': <object"):
        TaskReference("lrdecay.tasks.quadratic:quadratic", {"sigma": object()})


def test_the_hash_is_that_of_the_file_and_changes_with_it(write: Callable[..., Path]) -> None:
    path = write(GOOD)
    first = TaskReference(f"{path}:tiny").source_hash()
    assert first == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(GOOD + "\n")
    assert TaskReference(f"{path}:tiny").source_hash() != first


def test_the_hash_of_a_module_of_a_package_changes_with_every_module_beside_it(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("", "a_package/__init__.py")
    write("def f(seed):\n    return seed\n", "a_package/one.py")
    beside = write("x = 1\n", "a_package/two.py")
    monkeypatch.syspath_prepend(beside.parents[1])
    reference = TaskReference("a_package.one:f")
    hashes = [reference.source_hash(), reference.source_hash()]
    beside.write_text("x = 2\n")
    hashes.append(reference.source_hash())
    beside.rename(beside.with_name("three.py"))
    hashes.append(reference.source_hash())
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_a_file_that_an_argument_names_is_known_by_its_content(write: Callable[..., Path]) -> None:
    path = write("some text", "text.txt")
    reference = TaskReference("lrdecay.tasks.chars:chars", {"text": str(path), "width": 3, "other": "x" * 5000})
    first = reference.data_hashes()
    assert first == {str(path): hashlib.sha256(b"some text").hexdigest()}
    path.write_text("some other text")
    assert reference.data_hashes() != first


def test_a_function_object_is_named_so_that_it_is_found_again(write: Callable[..., Path]) -> None:
    there = reference_to(quadratic, {"steps": 5})
    assert (there.target, there.arguments, there.label) == (
        "lrdecay.tasks.quadratic:quadratic",
        {"steps": 5},
        "quadratic",
    )
    assert there.function() is quadratic
    path = write(GOOD)
    of_file = TaskReference(f"{path}:tiny").function()
    back = reference_to(of_file)
    assert back.target == f"{path}:tiny"
    assert back.function() is of_file


def test_a_function_of_the_program_itself_is_named_by_its_file(write: Callable[..., Path]) -> None:
    path = write(GOOD + "\n\nif __name__ == '__main__':\n    from lrdecay.runs.reference import reference_to\n")
    path.write_text(path.read_text() + "    print(reference_to(tiny).target)\n")
    said = subprocess.run([sys.executable, str(path)], check=True, capture_output=True, text=True).stdout
    assert said.strip() == f"{path}:tiny"


def test_a_function_typed_at_a_prompt_is_refused() -> None:
    code = "from lrdecay.runs.reference import reference_to\ndef f(seed): pass\nreference_to(f)"
    child = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "must stand in a file" in child.stderr.splitlines()[-1]


def closure() -> Callable[..., Any]:
    def inner(seed: int) -> int:
        return seed

    return inner


@pytest.mark.parametrize(
    "function",
    [lambda seed: seed, closure(), functools.partial(quadratic, steps=3), quadratic(0).advance, 3],
    ids=["lambda", "closure", "partial", "method", "number"],
)
def test_what_a_worker_could_not_import_by_name_is_refused(function: Any) -> None:
    with pytest.raises(
        InputError, match=r"must be a function at the top of a module, got .*define it with `def`"
    ) as caught:
        reference_to(function)
    assert "\n" not in str(caught.value)
