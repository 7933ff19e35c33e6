"""The checkpoint a run goes on from that this tool did not write: where it is, its step, and a hash of its content.

What led there is not known and plays no part in a run's identity: the step and the bits of the files do, wherever they
lie. The files are the user's. They are read, and never changed, moved or removed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from attrs import field, frozen

from lrdecay.errors import InputError, RunError, argument, positive_int, refusal

__all__ = ["Origin", "checkpoint_hash"]


@frozen
class Origin:
    """A script's own checkpoint, after ``step`` updates."""

    checkpoint: Path = field(eq=False)  # absolute; not part of what it is
    step: int = field(validator=argument(positive_int))
    digest: str  # see `checkpoint_hash`

    def unchanged(self) -> Path:
        """The checkpoint, as it was when the study began.

        Raises:
            RunError: a file of it is gone or has changed since.
        """
        try:
            now = checkpoint_hash(self.checkpoint)
        except InputError as problem:
            raise RunError(str(problem)) from None
        if now != self.digest:
            msg = f"`{self.checkpoint}` must stay as it is while runs start from it, got another content."
            raise RunError(msg + " Does the script write to what it loads?")
        return self.checkpoint

    def identity(self) -> dict[str, object]:
        """As part of a run's identity."""
        return {"step": self.step, "digest": self.digest}


def checkpoint_hash(checkpoint: Path) -> str:
    """SHA-256 over the files of a checkpoint, a file or a folder, and of the random state that may be kept beside it.

    Raises:
        InputError: it is not there, or holds nothing.
    """
    beside = sorted(checkpoint.parent.glob(f"{_literal(checkpoint.name)}.random*.npz"))
    inside = [checkpoint] if checkpoint.is_file() else sorted(p for p in checkpoint.rglob("*") if p.is_file())
    if not inside:
        rule = "must hold files" if checkpoint.exists() else "must be there"
        msg = refusal("--from CHECKPOINT", rule, str(checkpoint))
        raise InputError(msg)
    total = hashlib.sha256()
    for path in [*inside, *beside]:
        own = path.name[len(checkpoint.name) :] if path in beside else path.relative_to(checkpoint).as_posix()
        with path.open("rb") as f:
            total.update(f"{own}\0{hashlib.file_digest(f, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _literal(name: str) -> str:
    """A name in which nothing stands for anything else in a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
