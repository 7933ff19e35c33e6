"""Random state of the whole process: set it, take it, put it back.

Python's, numpy's legacy generator and, where torch has already been imported, torch's: the CPU's, and those of the CUDA
and MPS devices that are in use. torch is looked up among the loaded modules and never imported from here.
"""

from __future__ import annotations

import io
import json
import os
import random
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from lrdecay.errors import RunError

__all__ = ["RandomState", "kept_random_state", "random_state", "seed_everything", "set_random_state"]


@frozen(eq=False)
class RandomState:
    """The state of the process's generators, as arrays and JSON."""

    tensors: Mapping[str, NDArray[Any]]
    state: Mapping[str, Any]

    def save(self, path: Path) -> None:
        """Write atomically: a temporary file, flushed to disk, renamed."""
        text = np.frombuffer(json.dumps(dict(self.state)).encode(), dtype=np.uint8)
        temporary = path.with_name(path.name + ".tmp")
        with temporary.open("wb") as f:
            np.savez(f, **{"__state__": text, **self.tensors})  # type: ignore[arg-type]
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> RandomState:
        """Read what `save` wrote; arrays and JSON only.

        Raises:
            RunError: the file is not such a state.
        """
        try:
            archive = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
            tensors = dict(archive.items()) if isinstance(archive, np.lib.npyio.NpzFile) else {}
            return cls({k: v for k, v in tensors.items() if k != "__state__"}, json.loads(bytes(tensors["__state__"])))
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as problem:
            reason = " ".join(f"{type(problem).__name__}: {problem}".split())
            msg = f"`{path}` must hold a random state written by lrdecay, got {reason}"
            raise RunError(msg) from problem


def _torch() -> Any:
    return sys.modules.get("torch")


def seed_everything(seed: int) -> None:
    """Seed python, numpy and, where it is loaded, torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    if (torch := _torch()) is not None:
        torch.manual_seed(seed)


def random_state() -> RandomState:
    """The state of all generators now."""
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002
    tensors: dict[str, NDArray[Any]] = {"python": np.array(internal, dtype=np.uint64), "numpy": np.array(keys)}
    if (torch := _torch()) is not None:
        tensors["torch"] = torch.get_rng_state().numpy().copy()
        tensors |= {name: state.cpu().numpy().copy() for name, state in _devices(torch).items()}
    state = {
        "python": [version, gauss],
        "numpy": [str(name), int(position), int(has_gauss), float(cached)],
    }
    return RandomState(tensors, state)


def set_random_state(s: RandomState) -> None:
    """Put all generators back."""
    version, gauss = s.state["python"]
    random.setstate((version, tuple(int(i) for i in s.tensors["python"]), gauss))
    name, position, has_gauss, cached = s.state["numpy"]
    np.random.set_state((name, s.tensors["numpy"], position, has_gauss, cached))  # noqa: NPY002
    if "torch" in s.tensors and (torch := _torch()) is not None:
        torch.set_rng_state(torch.from_numpy(s.tensors["torch"].copy()))
        for name in s.tensors:
            if name.startswith("cuda:"):
                torch.cuda.set_rng_state(torch.from_numpy(s.tensors[name].copy()), name)
            elif name == "mps":
                torch.mps.set_rng_state(torch.from_numpy(s.tensors[name].copy()))


def _devices(torch: Any) -> dict[str, Any]:
    """The states of the accelerators' generators by device; a CUDA that nobody has used yet is not woken."""
    states: dict[str, Any] = {}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states |= {f"cuda:{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Whatever is drawn inside, the generators go on as before."""
    before = random_state()
    try:
        yield
    finally:
        set_random_state(before)
