"""Which files of the user's own a program consists of: the file itself and what it imports from beside it.

Found by reading, not by running (`modulefinder` of the standard library): imports inside functions count, imports of
names made up at run time do not. Installed packages, and folders of PYTHONPATH, are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from modulefinder import ModuleFinder
from pathlib import Path

__all__ = ["content_hash", "imported_files", "program_of"]


def imported_files(program: Path) -> list[Path]:
    """The program and every module it imports, directly or not, from its own folder.

    Args:
        program: a Python file; anything else is given back alone.

    Returns:
        Paths in order, the program first. One that Python cannot read (a syntax error in it or below) is given back
        alone: it will say so itself when it is run.
    """
    if program.suffix != ".py":
        return [program]
    finder = ModuleFinder(path=[str(program.resolve().parent)])
    try:
        finder.run_script(str(program))
    except (SyntaxError, OSError, UnicodeError, ValueError):
        return [program]
    found = {Path(m.__file__).resolve() for m in finder.modules.values() if m.__file__}  # type: ignore[attr-defined]
    own = {path for path in found if path.suffix == ".py"} - {program.resolve()}
    return [program, *sorted(own)]


def program_of(words: Sequence[str]) -> Path | None:
    """The Python file a command runs: one that it names, or the module after ``-m`` where it lies in this folder."""
    for word in words:
        path = Path(word)
        if path.suffix == ".py" and path.is_file():
            return path
    if "-m" in words[:-1]:
        inside = Path(*words[list(words).index("-m") + 1].split("."))
        for path in (inside.with_suffix(".py"), inside / "__main__.py"):
            if path.is_file():
                return path
    return None


def content_hash(files: Sequence[Path]) -> str:
    """SHA-256 of the content of one file, wherever it stands; of names and contents of several."""
    if len(files) == 1:
        return hashlib.sha256(files[0].read_bytes()).hexdigest()
    return hashlib.sha256("".join(f"{path.name} {content_hash([path])}\n" for path in files).encode()).hexdigest()
