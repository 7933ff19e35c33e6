"""Handing runs on to other tools: ``--export KIND:PATH`` of ``compare``, ``cooldown`` and ``extend``, and ``.frame()``.

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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.logs.writer import Param, Run, Writer
from lrdecay.runs.spec import RunResult
from lrdecay.sweep.study import Row, Study, Table
from lrdecay.verbs.extras import require

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Target", "export_study", "export_tables", "frame_of", "frame_of_tables", "target_of", "targets_of"]

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


def targets_of(export: str | Sequence[str]) -> list[Target]:
    """Every target; see `target_of`."""
    return [target_of(text) for text in ([export] if isinstance(export, str) else export)]


def export_study(study: Study, target: Target) -> None:
    """Write every scored run of a study once."""
    export_tables(study.task, _tables(study), target)


def export_tables(task: str, tables: Mapping[str, Table], target: Target) -> None:
    """Write every run of these tables once; one that stands in several says so."""
    module, function, _, _ = _KINDS[target.kind]
    with getattr(importlib.import_module(f"lrdecay.logs.{module}"), function)(target.path) as writer:
        _write(task, tables, writer)


def frame_of(study: Study) -> DataFrame:
    """Every scored run of a study in one long DataFrame; see `lrdecay.logs.frames`.

    Raises:
        MissingExtraError: pandas or pyarrow is not installed.
    """
    return frame_of_tables(study.task, _tables(study), "Compared.frame()")


def frame_of_tables(task: str, tables: Mapping[str, Table], call: str) -> DataFrame:
    """Every run of these tables in one long DataFrame.

    Args:
        task: what to call it.
        tables: by name.
        call: for a message.

    Raises:
        MissingExtraError: pandas or pyarrow is not installed.
    """
    require("frames", call)
    from lrdecay.logs.frames import FrameWriter

    writer = FrameWriter()
    _write(task, tables, writer)
    return writer.frame()


def _tables(study: Study) -> dict[str, Table]:
    return {"main": study.main} | ({} if study.shared is None else {"shared": study.shared})


def _write(task: str, tables: Mapping[str, Table], writer: Writer) -> None:
    for run, result in _runs(task, tables):
        writer.open(run)
        for row in result.trace.rows():
            step = row.pop("step")
            writer.log(step, row)
        score = {} if result.score != result.score else {"score": result.score}  # nan where it diverged
        writer.close({**result.metrics, **score}, diverged=bool(score) is False)


def _runs(task: str, tables: Mapping[str, Table]) -> Iterator[tuple[Run, RunResult]]:
    """Every scored run once; one that stands in several tables says so."""
    from lrdecay.report.html import trace_name

    where: dict[tuple[str, int], list[str]] = {}
    found: dict[tuple[str, int], tuple[Row, RunResult]] = {}
    for name, table in tables.items():
        for row in table.rows:
            for result in row.results:
                where.setdefault((row.spec, result.seed), []).append(name)
                found.setdefault((row.spec, result.seed), (row, result))
    for (spec, seed), (row, result) in found.items():
        params: dict[str, Param] = {
            "task": task,
            "schedule": row.written,
            "spec": spec,
            "peak": row.peak,
            "seed": seed,
            "table": " and ".join(where[spec, seed]),
        }
        yield Run(trace_name(spec, seed).removesuffix(".csv"), params), result
