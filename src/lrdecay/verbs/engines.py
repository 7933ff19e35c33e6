"""Who makes the runs of a study: this machine's pool, or Ray."""

from __future__ import annotations

from pathlib import Path

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.extras import require
from lrdecay.verbs.snapshots import check_place

__all__ = ["ENGINES", "pool_of"]

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
        snapshots: where they are to be kept, a folder or an address; checked first, as far as that goes from here.

    Raises:
        InputError: there is no such engine, no Ray answers, or the address is none.
        MissingExtraError: ray, or a package for the address, is not installed.
    """
    one_of(ENGINES).check("--engine", engine)
    if snapshots is not None:
        check_place(snapshots)
    if engine == "local":
        if address is not None:
            msg = refusal("--address ADDR", "must be given only with --engine ray", address)
            raise InputError(msg)
        return LocalPool(workers, watch)
    require("ray", "compare(engine='ray')")
    from lrdecay.sweep.ray_pool import RayPool

    return RayPool(workers, watch, address)
