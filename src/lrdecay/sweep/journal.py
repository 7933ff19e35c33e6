"""What a study has finished, on disk, so that a kill loses at most the runs being made.

One folder per study: ``journal.jsonl`` has a line per finished run, appended and flushed to disk after its trace was
written to ``traces/<identity>.csv``. A run whose identity is in the journal is never made again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict

from lrdecay.errors import RunError
from lrdecay.runs.files import append_line, read_lines
from lrdecay.runs.protocol import encode
from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.trace import Trace

__all__ = ["Journal"]


class Journal:
    """The finished runs of a study, by identity.

    Raises:
        RunError: the folder holds something else, or a trace in it is missing.
    """

    def __init__(self, folder: Path) -> None:
        """Reads what is there."""
        self.folder = folder
        self._path = folder / "journal.jsonl"
        self._finished: dict[str, RunResult] = {}
        for record in read_lines(self._path):
            self._finished[record["identity"]] = self._read(record)

    def get(self, identity: str) -> RunResult | None:
        """The finished run, if it is finished."""
        return self._finished.get(identity)

    def add(self, result: RunResult) -> None:
        """Write the trace, then the line."""
        result.trace.to_csv(self._trace(result.identity))
        append_line(self._path, _record(result))
        self._finished[result.identity] = result

    def _trace(self, identity: str) -> Path:
        return self.folder / "traces" / f"{identity[:16]}.csv"

    def _read(self, record: Mapping[str, Any]) -> RunResult:
        path = self._trace(record["identity"])
        if not path.exists():
            msg = f"`{self._path}` must have the trace of each run beside it, got no {path.name}. Use another --out."
            raise RunError(msg)
        diverged = None if record["diverged"] is None else Divergence(**record["diverged"])
        return RunResult(
            identity=record["identity"],
            seed=record["seed"],
            schedule=record["schedule"],
            metric=record["metric"],
            goal=record["goal"],
            score=float(record["score"]),
            metrics={k: float(v) for k, v in record["metrics"].items()},
            trace=Trace.from_csv(path),
            diverged=diverged,
            seconds=record["seconds"],
            notes=tuple(record["notes"]),
            failure=record["failure"],
            digest=record.get("digest"),
        )


def _record(r: RunResult) -> dict[str, Any]:
    return {
        "identity": r.identity,
        "seed": r.seed,
        "schedule": r.schedule,
        "metric": r.metric,
        "goal": r.goal,
        "score": encode(r.score) if not math.isnan(r.score) else "nan",
        "metrics": {k: encode(v) for k, v in r.metrics.items()},
        "diverged": None if r.diverged is None else asdict(r.diverged),
        "seconds": round(r.seconds, 3),
        "notes": list(r.notes),
        "failure": r.failure,
        "digest": r.digest,
    }
