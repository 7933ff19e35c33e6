"""Docs that can fail: every Python block runs, every shell line of the README works, the reference is the help."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import lrdecay
from lrdecay.cli.main import run
from lrdecay.cli.reference import reference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.filterwarnings(  # Lightning's own
    "ignore:.*treespec, LeafSpec.*", "ignore:.*does not have many workers.*"
)
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page):
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)

    if "tiny" in names:  # the README's task is a real one
        task = names["tiny"](0)
        assert {"loss", "accuracy"} <= set(task.evaluate())


@pytest.mark.parametrize("line", [b.strip() for b in blocks(ROOT / "README.md", "sh") if b.startswith("lrdecay")])
def test_the_shell_lines_of_the_readme_work(line, capsys):
    assert run(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().out


def test_the_command_line_reference_is_the_help_of_the_commands():
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "python -m lrdecay.cli.reference > docs/cli.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_decision_record_is_in_the_index():
    index = (ROOT / "docs" / "adr" / "README.md").read_text()

    for record in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        assert record.name in index


def test_every_family_is_in_the_table_of_the_notation():
    page = (ROOT / "docs" / "notation.md").read_text()
    families = [n for n in lrdecay.__all__ if isinstance(getattr(lrdecay, n), type) and n.islower()]

    assert len(families) >= 13
    for name in families:
        assert f"{name}(" in page, name


def test_every_public_name_is_there_and_has_words():
    for name in lrdecay.__all__:
        value = getattr(lrdecay, name)
        assert (value.__doc__ or "").strip(), name


def test_the_makefile_knows_every_target_the_readme_and_contributing_name():
    makefile = (ROOT / "Makefile").read_text()
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"^make (\w+)|`make (\w+)`", (ROOT / page).read_text(), re.MULTILINE):
            assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target
