"""Who makes the runs of a study, and where what they share is kept meanwhile: this machine's pool, or Ray."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.extras import require

__all__ = ["ENGINES", "pool_of", "snapshot_folder"]

ENGINES = ("local", "ray")


def pool_of(
    engine: str,
    workers: int | None,
    watch: Watch | None,
    address: str | None = None,
    snapshots: str | Path | None = None,
) -> Pool:
    """The pool of an engine.

    Args:
        engine: "local" or "ray".
        workers: calls at once; by default one per core, of the cluster where there is one.
        watch: told about the updates made.
        address: of a running Ray.
        snapshots: where they are to be kept; checked first.

    Raises:
        InputError: there is no such engine, no Ray answers, or the folder is none.
        MissingExtraError: ray is not installed.
    """
    one_of(ENGINES).check("--engine", engine)
    if snapshots is not None and "://" in str(snapshots):
        cure = "Addresses such as s3:// are not read; mount a folder that all machines share."
        msg = refusal("--snapshots PATH", "must be a folder", str(snapshots), cure)
        raise InputError(msg)
    if engine == "local":
        if address is not None:
            msg = refusal("--address ADDR", "must be given only with --engine ray", address)
            raise InputError(msg)
        return LocalPool(workers, watch)
    require("ray", "compare(engine='ray')")
    from lrdecay.sweep.ray_pool import RayPool

    return RayPool(workers, watch, address)


def snapshot_folder(pool: Pool, study: Path, snapshots: str | Path | None = None) -> Path:
    """Where a study keeps its snapshots: beside its journal, or in a folder of its own below the one that was given.

    Raises:
        InputError: not every machine sees it.
    """
    study = study.absolute()
    if snapshots is None:
        found = study / "snapshots"
    else:
        digest = hashlib.sha256(str(study).encode()).hexdigest()
        found = Path(snapshots).absolute() / f"{study.name}-{digest[:12]}"
    pool.check_reach(found.parent)
    return found
