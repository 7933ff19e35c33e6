"""What starts a user's script in its place: ``torchrun --nproc-per-node 2``, ``srun``, ``sbatch --wait job.sh``.

The launcher's words come before those of the command, so that a job script gets the command as its arguments, "$@".
What a study tells the script goes through the environment, which ``sbatch`` hands on unless it is told not to, and
through files, which have to be where both ends see them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePath

from lrdecay.errors import InputError, refusal

__all__ = ["RANKS", "check_launcher", "launched", "rank", "remove_checkpoint"]

RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""Where launchers say which of its processes this is; the first that is set counts."""

_PYTHON = re.compile(r"python[0-9.]*(\.exe)?")


def check_launcher(launcher: str) -> None:
    """Raise `InputError` unless it can be split into words, and waits for what it starts."""
    try:
        words = shlex.split(launcher)
    except ValueError as problem:
        msg = refusal("--launcher CMD", f"must be a command ({problem})", launcher)
        raise InputError(msg) from None
    if not words:
        msg = refusal("--launcher CMD", "must be a command", launcher, "Such as --launcher 'sbatch --wait job.sh'.")
        raise InputError(msg)
    if _named(words[0], "sbatch") and not {"--wait", "-W"} & set(words):
        msg = refusal("--launcher CMD", "must wait for the job", launcher, "Write sbatch --wait.")
        raise InputError(msg)


def launched(launcher: str | None, words: Sequence[str]) -> list[str]:
    """The words of a command under a launcher; torchrun starts python itself, so that word is dropped.

    Raises:
        InputError: the command gives python options that torchrun would take for its own.
    """
    words = list(words)
    if launcher is None:
        return words
    before = shlex.split(launcher)
    python = any(_named(word, "torchrun") or word == "torch.distributed.run" for word in before)
    if python and "--no-python" not in before and _PYTHON.fullmatch(PurePath(words[0]).name):
        words = words[1:]
        if words and words[0].startswith("-") and words[0] != "-m":
            cure = "Write --launcher 'torchrun --no-python ...'."
            msg = refusal("--script CMD", "must give python no options under torchrun", words[0], cure)
            raise InputError(msg)
    return [*before, *words]


def rank() -> str:
    """Which of a script's processes this is; "0" speaks for all, and is the only one where there is no launcher."""
    return next((os.environ[name] for name in RANKS if os.environ.get(name)), "0")


def remove_checkpoint(path: Path) -> None:
    """Remove what an attempt that was killed may have saved of a checkpoint, with what is kept beside it."""
    for found in (path, *path.parent.glob(f"{path.name}.random*.npz")):
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)


def _named(word: str, program: str) -> bool:
    return PurePath(word).name == program
