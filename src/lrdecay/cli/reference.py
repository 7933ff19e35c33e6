"""The command-line reference, made from the commands' own help: ``python -m lrdecay.cli.reference > docs/cli.md``."""

from __future__ import annotations

import contextlib
import io
import os
import sys

from lrdecay.cli.main import run

__all__ = ["COMMANDS", "reference"]

COMMANDS = (
    "show",
    "find",
    "train",
    "compare",
    "cooldown",
    "extend",
    "forecast",
    "steer",
    "resume",
    "studies",
    "convert",
    "tasks",
    "lab list",
    "lab run",
    "lab report",
    "lab explain",
)


def reference() -> str:
    """The help of every command, 100 columns wide, as Markdown."""
    parts = ["# The command line\n\nMade by `python -m lrdecay.cli.reference`; a test compares it with the commands.\n"]
    parts += [f"## lrdecay {name}\n\n```text\n{_help(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


def _help(name: str) -> str:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            run([*name.split(), "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


if __name__ == "__main__":
    sys.stdout.write(reference())
