"""Handing a comparison on to other tools: ``compare --export KIND:PATH``, and `Compared.frame`.

    csv:FILE  jsonl:FILE            need nothing
    parquet:FILE                    lrdecay[frames]
    tensorboard:DIR                 lrdecay[tensorboard]
    mlflow:DIR                      lrdecay[mlflow]
    wandb:DIR                       lrdecay[wandb]

Written are all scored runs, each once: its trace (rate and training loss of every update, held-out metrics where they
were measured), its params (task, schedule, spec, peak, seed, and which table it stands in), its final metrics and its
score. Pilot runs are not: they chose the peaks and nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.logs.writer import Param, Run, Writer
from lrdecay.runs.spec import RunResult
from lrdecay.sweep.study import Row, Study
from lrdecay.verbs.extras import require

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Target", "export_study", "frame_of", "target_of"]

_KINDS = {  # kind -> (module of logs, function, extra, whether it writes a folder)
    "csv": ("text", "csv_writer", None, False),
    "jsonl": ("text", "jsonl_writer", None, False),
    "parquet": ("frames", "parquet_writer", "frames", False),
    "tensorboard": ("tensorboard", "tensorboard_writer", "tensorboard", True),
    "mlflow": ("mlflow", "mlflow_writer", "mlflow", True),
    "wandb": ("wandb", "wandb_writer", "wandb", True),
}


@frozen
class Target:
    """Where to hand runs on, and in what form."""

    kind: str
    path: Path

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


def target_of(text: str) -> Target:
    """``KIND:PATH`` as a target; ask before anything is trained.

    Raises:
        InputError: the kind is unknown, the path is missing, is a folder where a file is written or a file where a
            folder is, or is a TensorBoard folder that holds something.
        MissingExtraError: what the kind needs is not installed.
    """
    kind, _, place = text.partition(":")
    if kind not in _KINDS or not place:
        cure = did_you_mean(kind, _KINDS) if kind not in _KINDS else f"Write {kind}:PATH."
        msg = refusal("--export KIND:PATH", f"must be one of {', '.join(_KINDS)}, a colon and a path", text, cure)
        raise InputError(msg)
    _, _, extra, folder = _KINDS[kind]
    path = Path(place)
    if path.exists() and path.is_dir() != folder:
        msg = refusal(f"--export {kind}:PATH", f"must be a {'folder' if folder else 'file'}", place, "It is the other.")
        raise InputError(msg)
    if kind == "tensorboard" and path.exists() and any(path.iterdir()):
        msg = refusal("--export tensorboard:DIR", "must be a new or empty folder", place, "Old and new runs would mix.")
        raise InputError(msg)
    if extra is not None:
        require(extra, f"--export {kind}:PATH")
    return Target(kind, path)


def export_study(study: Study, target: Target) -> None:
    """Write every scored run of a study once."""
    module, function, _, _ = _KINDS[target.kind]
    with getattr(importlib.import_module(f"lrdecay.logs.{module}"), function)(target.path) as writer:
        _write(study, writer)


def frame_of(study: Study) -> DataFrame:
    """Every scored run of a study in one long DataFrame; see `lrdecay.logs.frames`.

    Raises:
        MissingExtraError: pandas or pyarrow is not installed.
    """
    require("frames", "Compared.frame()")
    from lrdecay.logs.frames import FrameWriter

    writer = FrameWriter()
    _write(study, writer)
    return writer.frame()


def _write(study: Study, writer: Writer) -> None:
    for run, result in _runs(study):
        writer.open(run)
        for row in result.trace.rows():
            step = row.pop("step")
            writer.log(step, row)
        score = {} if result.score != result.score else {"score": result.score}  # nan where it diverged
        writer.close({**result.metrics, **score}, diverged=bool(score) is False)


def _runs(study: Study) -> Iterator[tuple[Run, RunResult]]:
    """Every scored run once; one that stands in both tables says so."""
    from lrdecay.report.html import trace_name

    where: dict[tuple[str, int], list[str]] = {}
    found: dict[tuple[str, int], tuple[Row, RunResult]] = {}
    for name, table in (("main", study.main), ("shared", study.shared)):
        for row in () if table is None else table.rows:
            for result in row.results:
                where.setdefault((row.spec, result.seed), []).append(name)
                found.setdefault((row.spec, result.seed), (row, result))
    for (spec, seed), (row, result) in found.items():
        params: dict[str, Param] = {
            "task": study.task,
            "schedule": row.written,
            "spec": spec,
            "peak": row.peak,
            "seed": seed,
            "table": " and ".join(where[spec, seed]),
        }
        yield Run(trace_name(spec, seed).removesuffix(".csv"), params), result
