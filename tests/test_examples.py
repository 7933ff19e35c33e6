"""The examples do what is said of them: five changed lines, the same run by hand, and nothing written."""

from __future__ import annotations

import ast
import difflib
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def code(name: str) -> list[str]:
    """The lines of an example after its docstring."""
    text = (EXAMPLES / name).read_text("utf-8")
    docstring = ast.parse(text).body[0]
    assert isinstance(docstring, ast.Expr)
    return text.splitlines()[docstring.end_lineno :]


def test_the_script_differs_from_the_plain_one_in_at_most_five_changed_lines() -> None:
    changed: list[str] = []
    removed: list[str] = []
    plain, script = code("plain.py"), code("script.py")
    for tag, a, b, c, d in difflib.SequenceMatcher(None, plain, script, autojunk=False).get_opcodes():
        if tag != "equal":
            changed += [line for line in script[c:d] if line.strip()]
            removed += [line for line in plain[a:b] if line.strip()]
    assert 1 <= len(changed) <= 5, changed
    assert all("lrdecay" in line or "run." in line for line in changed)
    # nothing is lost but the schedule by hand, what it needed, and the loop
    assert len(removed) == 3
    assert [("math" in line, "range(" in line) for line in removed] == [(True, False), (True, False), (False, True)]


def test_by_hand_both_print_the_same_numbers_and_write_nothing(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LRDECAY_")} | {"OMP_NUM_THREADS": "1"}
    printed = []
    for name in ("plain.py", "script.py"):
        command = [sys.executable, str(EXAMPLES / name)]
        child = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        assert child.stderr == ""
        assert list(tmp_path.iterdir()) == []
        printed.append(child.stdout)
    assert printed[0] == printed[1]
    lines = printed[0].splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("step 460: loss 0.")
    assert float(lines[-1].rsplit(maxsplit=1)[1]) > 0.85
