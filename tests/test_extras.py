"""Without an extra: one sentence with the pip line, before anything is trained; and the core needs none."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
import importlib.abc

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.partition('.')[0] in {absent!r} else found(name, *rest)
sys.meta_path.insert(0, Absent())
from lrdecay.cli.main import main
main({arguments!r})
"""


def run_without(absent: list[str], arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The command line in a process that cannot import some packages."""
    code = WITHOUT.format(absent=absent, arguments=arguments)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("absent", "arguments", "line"),
    [
        (["scipy"], ["find", "quadratic"], "pip install 'lrdecay[study]'"),
        (["matplotlib"], ["compare", "quadratic", "-s", "cosine(0.1)"], "pip install 'lrdecay[study]'"),
        (["mlxtend"], ["lab", "run", "ge2019", "--out", "/nowhere/lab"], "pip install 'lrdecay[lab]'"),
        (["matplotlib"], ["show", "cosine(0.1)", "--steps", "9", "--plot", "a.png"], "pip install 'lrdecay[study]'"),
    ],
)
def test_a_missing_extra_is_one_line_with_the_pip_line(absent, arguments, line):
    done = run_without(absent, arguments)

    assert done.returncode == 2
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_the_torch_adapter_says_how_to_install_torch():
    code = WITHOUT.format(absent=["torch"], arguments=["--version"]).replace(
        "from lrdecay.cli.main import main", "import lrdecay.adapters.torch\nfrom lrdecay.cli.main import main"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "pip install 'lrdecay[torch]'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("door", "absent"),
    [
        ("lightning", "lightning"),
        ("lightning", "torch"),
        ("transformers", "transformers"),
        ("transformers", "accelerate"),
        ("accelerate", "accelerate"),
    ],
)
def test_a_trainers_adapter_says_how_to_install_what_it_needs(door, absent):
    code = WITHOUT.format(absent=[absent], arguments=["--version"]).replace(
        "from lrdecay.cli.main import main", f"import lrdecay\nlrdecay.{door}\nfrom lrdecay.cli.main import main"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    line = done.stderr.splitlines()[-1]
    assert f"`lrdecay.{door}` must have {absent}, which is not installed." in line
    assert f"pip install 'lrdecay[{door}]'" in line


def test_the_core_shows_a_schedule_without_any_extra():
    absent = ["torch", "scipy", "matplotlib", "jinja2", "sklearn", "mnist1d"]
    done = run_without(absent, ["show", "cosine(0.1)", "--steps", "9"])

    assert done.returncode == 0
    assert "learning rate" in done.stdout


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, lrdecay; print(sorted({'numpy', 'attrs', 'torch', 'typer', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
