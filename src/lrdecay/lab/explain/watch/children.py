"""The child runs of a script that is watched: each is started once, and what it showed is kept in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import RunError
from lrdecay.lab.instruments.noise_scale import noise_scale
from lrdecay.runs.files import write_text
from lrdecay.runs.protocol import Orders, finite
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import RunSpec
from lrdecay.schedule import Horizon
from lrdecay.sweep.worker import report

__all__ = ["BATCHES", "Child", "Children"]

FloatArray = NDArray[np.float64]

GROUPS, BATCHES = 16, 64
"""Groups of gradients, and gradients in all of them."""


@final
class Child:
    """What one child run logged, and what was seen through its optimizer.

    Args:
        rows: step -> what was logged.
        seen: the file of `lrdecay.adapters.torch.looking`; it may not be there.
    """

    def __init__(self, rows: Mapping[int, Mapping[str, float]], seen: Path) -> None:
        """Read what was seen."""
        self.rows, self.file = dict(rows), seen
        self._arrays: dict[str, Any] = {}
        if seen.exists():
            with np.load(seen, allow_pickle=False) as kept:
                self._arrays = {name: kept[name] for name in kept.files}
        self.said: dict[str, Any] = json.loads(bytes(self._arrays["said"])) if self._arrays else {}

    def array(self, name: str) -> Any:
        """An array that was seen; None where there is none."""
        return self._arrays.get(name)

    def noise(self, number: int, batch: float | None) -> dict[str, Any]:
        """The noise scale at the weights that were put there as the so-manieth, in samples, or else in batches."""
        if self.array(f"products@{number}") is None:
            return {"value": None, "why": "the script made too few updates for it"}
        if self._moved(number):
            return {"value": None, "why": "the optimizer moves weights at a rate of 0"}
        return noise_scale(self.array(f"squares@{number}"), self.array(f"products@{number}"), batch or 1.0).to_json()

    def logged(self, number: int, length: int, metric: str) -> float | None:
        """The metric of the weights that were put there as the so-manieth, for so many updates: the last one logged.

        The loss is the mean over these updates, without the first, which is of the weights before.
        """
        own = [self.rows[t] for t in range(number * length + 1, (number + 1) * length) if t in self.rows]
        values = [row[metric] for row in own if metric in row]
        if not values or self._moved(number):
            return None
        return finite(float(np.mean(values)) if metric == "loss" else values[-1])

    def _moved(self, number: int) -> bool:
        return float(self.said.get("moved", {}).get(str(number), 0.0)) > 0


@final
class Children:
    """Starts children of one script and seed.

    Args:
        source: the script.
        seed: of all of them.
        spec: the schedule as it was written.
        horizon: of the whole run.
        folder: keeps what they showed; one whose file is there is not started again.
    """

    def __init__(self, source: ScriptSource, seed: int, spec: str, horizon: Horizon, folder: Path) -> None:
        """Nothing was started yet."""
        self._source, self._seed, self._spec, self._horizon = source, seed, spec, horizon
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        name: str,
        rates: FloatArray,
        *,
        window: int,
        load: Path | None = None,
        stop: int | None = None,
        save: Path | None = None,
        average: Path | None = None,
        put: Sequence[tuple[int, Path, str]] = (),
        keep: tuple[int, ...] = (),
        windows: tuple[tuple[int, int], ...] = (),
    ) -> Child:
        """One child, from the beginning or a checkpoint, up to a step; see `lrdecay.adapters.torch.looking`.

        Raises:
            InputError: it logs not what it is judged by, or several things and none was named.
            RunError: it failed.
        """
        kept, seen = self.folder / f"{name}.json", self.folder / f"{name}.npz"
        if not kept.exists():
            order = {
                "out": str(seen),
                "window": window,
                "average": None if average is None else str(average),
                "put": [{"at": at, "file": str(file), "name": array} for at, file, array in put],
                "keep": list(keep),
                "windows": [list(w) for w in windows],
                "groups": GROUPS,
                "batches": BATCHES,
            }
            look = self.folder / f"{name}.look"
            write_text(look, json.dumps(order))
            run = RunSpec(self._source, self._seed, self._spec, self._horizon, rates, None, None)
            told = 0 if load is None else None

            def progress(done: int, _loss: float) -> None:
                nonlocal told
                report(1 if told is None else max(0, done - told))
                told = done

            heard = self._source.hear(run, Orders(load=load, stop=stop, save=save, look=look), progress)
            if heard.ended.failure is not None:
                raise heard.ended.failure
            if heard.ended.left and not any(not np.isfinite(row.get("loss", 0.0)) for row in heard.rows.values()):
                msg = f"`--script {self._source.command!r}` must go through run.steps() to its end, got an early exit."
                raise RunError(msg)
            write_text(kept, json.dumps({str(t): _plain(row) for t, row in heard.rows.items()}))
        rows = {int(t): row for t, row in json.loads(kept.read_text()).items()}
        return Child({t: {k: float(v) for k, v in row.items()} for t, row in rows.items()}, seen)


def _plain(row: Mapping[str, float]) -> dict[str, float | str]:
    return {k: v if np.isfinite(v) else str(v) for k, v in row.items()}
