"""A comparison's question as the store keeps it, and back: what decides which runs are made, in JSON.

How it is answered (workers, sharing, disk, budget, where) is not in it: that may change from one start to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import EVALUATIONS, Source
from lrdecay.runs.store.values import json_text
from lrdecay.runs.task_source import TaskSource
from lrdecay.verbs.question import Question
from lrdecay.verbs.show import Said

__all__ = ["Recorded", "question_json"]


def question_json(question: Question, source: Source, steps: int | None, epochs: float | None) -> dict[str, Any]:
    """What is kept of a question; `Recorded.read` reads it."""
    asked: dict[str, Any] = {
        "verb": "compare",
        "task": source.label,
        "source": _source_json(source),
        "identity": dict(source.identity()),
        "schedules": list(question.given),
        "seeds": len(question.seeds),
        "pilots": question.pilots,
        "fixed_peak": question.fixed_peak,
        "vary": list(question.vary),
        "steps": steps,
        "epochs": epochs,
    }
    if question.race is not None:
        asked["race"] = [question.race.alpha, question.race.after]
    if question.evaluations != EVALUATIONS:
        asked["evaluations"] = question.evaluations
    return asked


@frozen
class Recorded:
    """A question that was kept, before anything is added to it."""

    source: Source
    schedules: tuple[str, ...]
    seeds: int
    pilots: int
    fixed_peak: bool
    vary: tuple[str, ...]
    steps: int | None
    epochs: float | None
    race: tuple[float, int] | None = None  # alpha, and the seeds before the first look
    evaluations: int = EVALUATIONS

    @classmethod
    def read(cls, question: Mapping[str, Any]) -> Recorded:
        """Read what `question_json` made.

        Raises:
            InputError: it is none of a comparison, or the task or the script is not what it was.
        """
        if question.get("verb") != "compare":
            msg = f"`--resume` must name a study of `lrdecay compare`, got one of {question.get('verb')!r}."
            raise InputError(msg)
        source = _source_of(question["source"])
        if json_text(source.identity()) != json_text(question["identity"]):
            msg = f"`--resume` must find {source.label} as it was, got other files or arguments than the study began"
            raise InputError(msg + " with. Ask it anew: lrdecay compare without --resume.")
        return cls(
            source=source,
            schedules=tuple(question["schedules"]),
            seeds=question["seeds"],
            pilots=question["pilots"],
            fixed_peak=question["fixed_peak"],
            vary=tuple(question["vary"]),
            steps=question["steps"],
            epochs=question["epochs"],
            race=None if "race" not in question else (question["race"][0], question["race"][1]),
            evaluations=question.get("evaluations", EVALUATIONS),
        )

    def asked(
        self,
        schedules: Sequence[Said] = (),
        seeds: int | None = None,
        budget: str | int | None = None,
        max_disk: str | None = None,
    ) -> Question:
        """The question, with more schedules and more seeds.

        Raises:
            InputError: fewer seeds are asked for, or what is added cannot be.
        """
        if seeds is not None and seeds < self.seeds:
            msg = f"`--seeds` must be at least those of the study to be resumed, {self.seeds}, got {seeds}."
            raise InputError(msg)
        race, race_after = (None, None) if self.race is None else self.race
        return Question.read(
            [*self.schedules, *schedules],
            seeds=self.seeds if seeds is None else seeds,
            pilots=self.pilots,
            fixed_peak=self.fixed_peak,
            vary=self.vary,
            budget=budget,
            max_disk=max_disk,
            race=race,
            race_after=race_after,
            evaluations=self.evaluations,
        )


def _source_json(source: Source) -> dict[str, Any]:
    if isinstance(source, ScriptSource):
        exchange = None if source.exchange is None else str(source.exchange)
        return {"script": source.command, "metric": source.metric, "launcher": source.launcher, "exchange": exchange}
    if isinstance(source, TaskSource):
        reference = source.reference
        return {"target": reference.target, "arguments": dict(reference.arguments), "name": reference.name}
    msg = f"`compare` must be given a task or a script, got {type(source).__name__}."
    raise InputError(msg)


def _source_of(kept: Mapping[str, Any]) -> Source:
    if "script" in kept:
        exchange = None if kept["exchange"] is None else Path(kept["exchange"])
        return ScriptSource(kept["script"], kept["metric"], launcher=kept["launcher"], exchange=exchange)
    return TaskSource(TaskReference(kept["target"], kept["arguments"], kept["name"]))
