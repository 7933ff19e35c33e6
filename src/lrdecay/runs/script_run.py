"""The script's side of a study: what ``lrdecay.script()`` returns. Started by hand, it is an ordinary run.

By hand it says how it stands in a store, and may be told what to do with its rate (`lrdecay.runs.live`).

    run = lrdecay.script(steps=20_000, tokens_per_step=2**19)
    sched = run.attach(opt, 'wsd(3e-4, warmup=500, cooldown="20%")')
    for t in run.steps(save=save_ckpt, load=load_ckpt):
        loss = train_step(batch(t))
        sched.step(); run.log(loss=loss)

The user's checkpoints stay their own: ``save(path, t)`` writes one, ``load(path)`` reads it and returns its step.
Beside each checkpoint the random state is kept, so that a fork goes on with the numbers the trunk would have drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrdecay.errors import InputError, non_negative_int, refusal
from lrdecay.feedback.edits import Edit
from lrdecay.feedback.notation import parse_ruled
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.launching import rank
from lrdecay.runs.live.journals import read_journal, replay
from lrdecay.runs.live.steering import Steering
from lrdecay.runs.protocol import Orders
from lrdecay.runs.resuming import Resumption
from lrdecay.runs.ruling import Reporting, unheard
from lrdecay.runs.seeding import RandomState, random_state, seed_everything, set_random_state
from lrdecay.runs.telling import Telling, row_of
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["Look", "ScriptRun"]

Attach = Callable[..., Any]
"""``attach(optimizer, bound, rates)`` of some adapter, given ``rule=`` too where there is one.

It returns an object with ``seek(step)``, or None.
"""


Look = Callable[[Any, Path], Any]
"""``look(optimizer, order)``: an object with ``probe``, ``begin(step)`` and ``end()``; None where it cannot look.

See `lrdecay.adapters.torch.looking`.
"""


class ScriptRun:
    """One run of a user's script, with or without orders from a study."""

    def __init__(
        self,
        horizon: dict[str, Any],
        orders: Orders,
        attach: Attach,
        seed: int,
        steering: Steering | None = None,
        look: Look | None = None,
    ) -> None:
        """See `lrdecay.script`; ``steering`` None: nobody steers it by hand; ``look`` None: nobody can look at it."""
        if orders.steps is not None:
            horizon = {k: v for k, v in horizon.items() if k != "epochs"} | {"steps": orders.steps}
        self.horizon = Horizon(**horizon)
        self.seed = seed if orders.seed is None else orders.seed
        self._orders = orders
        self._attach = attach
        self._steering = steering if orders.events is None and not orders.probe else None  # a study steers it itself
        self._resumption = None if orders.resume is None else Resumption(orders.resume)
        self._journal: tuple[Edit, ...] = ()
        self._bound: Bound | None = None
        self._rates: FloatArray | None = None
        self._scheduler: Any = None
        self._reporting: Reporting | None = None
        self._at = -1
        self._look = look
        self._looking: Any = None
        self._probed: tuple[Any, Any, tuple[Any, Any]] | None = None
        self._events: Telling | None = None
        if orders.seed is not None:
            seed_everything(self.seed)
        if orders.events is not None and rank() == "0":  # one process speaks for all
            self._events = Telling(orders.events, orders.save)
            self._say(event="hello", horizon=self.horizon.to_json())

    @property
    def step(self) -> int:
        """The update being made; -1 before the first."""
        return self._at

    def attach(
        self,
        optimizer: Any,
        schedule: Schedule | Ruled | str,
        *,
        journal: str | Path | Mapping[str, Any] | list[Any] | None = None,
        **options: Any,
    ) -> Any:
        """A scheduler that drives the optimizer's learning rate; a study may put another schedule in its place.

        Args:
            optimizer: a `torch.optim.Optimizer`, prepared by accelerate or not; the trainer of Lightning or of
                transformers, whose loop then takes the place of `steps`; a Keras optimizer or compiled model; the
                module ``optax``, which gives the schedule for an optimizer's ``learning_rate``; or a factory such as
                ``optax.adamw``, which gives the optimizer.
            schedule: a schedule, under a rule or not, or its notation. A study may put another in its place, under
                another rule or none; ``observe`` of the torch scheduler that is returned does nothing where no rule
                listens, so that one loop serves all. A rule needs an optimizer of torch.
            journal: what a hand did to an earlier run, to be done again at the same steps: the output of
                ``lrdecay steer RUN --json``, or a scheduler's state. A study that puts its rates here leaves it out.
            options: passed on to that adapter's ``attach``, such as `lrdecay.adapters.torch.attach`.

        Raises:
            InputError: the schedule does not fit the horizon, or this run has a scheduler already.
        """
        if self._bound is not None:
            msg = refusal("run.attach(...)", "must be called once in a run", "a second call")
            raise InputError(msg)
        self._journal = () if journal is None else read_journal(journal)
        own = parse_ruled(schedule) if isinstance(schedule, str) else schedule
        if self._orders.probe:
            self._say(event="attached", schedule=repr(own))
            self._end()
            sys.exit(0)
        chosen = own if self._orders.spec is None else parse_ruled(self._orders.spec)
        plain, rule = (chosen.schedule, chosen.rule) if isinstance(chosen, Ruled) else (chosen, None)
        self._bound = plain.bind(self.horizon)
        if self._orders.rates is not None:
            self._rates = np.load(self._orders.rates, allow_pickle=False)
        else:
            self._rates = self._bound.values()
        ruled = {} if rule is None else {"rule": rule}
        self._scheduler = self._attach(optimizer, self._bound, self._rates, **ruled, **options)
        if rule is not None and self._orders.events is not None:
            self._reporting = Reporting(self._scheduler, rule, self._say)
        elif rule is None and (isinstance(own, Ruled) or hasattr(self._scheduler, "observe")):
            setattr(self._scheduler, "observe", unheard)  # noqa: B010  (what the script observes has no rule to see it)
        if hasattr(self._scheduler, "follow"):
            self._scheduler.follow(self)
        if self._orders.look is not None and rank() == "0":
            self._looking = None if self._look is None else self._look(optimizer, self._orders.look)
            self._say(event="looking", can=self._looking is not None)
        self._say(event="attached", schedule=repr(chosen))
        return self._scheduler

    def probe(self, model: Any, loss: Callable[[Any, Any], Any], data: tuple[Any, ...]) -> None:
        """Let ``lrdecay lab explain`` look at the model on these samples; a no-op otherwise, and not needed for it.

        With it the page has sharpness, oscillation along the sharpest direction, and who learned what in which stage.

        Args:
            model: a torch module, whose parameters the attached optimizer updates.
            loss: ``loss(model(x), y)`` gives a tensor of one number.
            data: (x, y), tensors with samples along the first axis; some hundreds that are not trained on are enough.

        Raises:
            InputError: data are no pair.
        """
        if len(data) != 2:
            msg = refusal("run.probe(model, loss, data)", "must be given a pair (x, y)", data)
            raise InputError(msg)
        self._probed = (model, loss, (data[0], data[1]))

    def steps(
        self,
        save: Callable[[str, int], Any] | None = None,
        load: Callable[[str], int] | None = None,
        *,
        start: int = 0,
    ) -> Iterator[int]:
        """The indices of the updates to make, in place of ``range(steps)``.

        Args:
            save: ``save(path, t)`` writes the user's checkpoint after t updates.
            load: ``load(path)`` restores it and returns t.
            start: updates made already, where the script has loaded a checkpoint itself.

        Raises:
            InputError: ``start`` is no step; a study asks to fork, and there is no ``save`` or ``load``; nothing was
                attached; or it must be steered, and cannot be.
        """
        if self._bound is None:
            msg = "`run.steps(...)` must come after `run.attach(optimizer, schedule)`, got no attached schedule."
            raise InputError(msg)
        non_negative_int.check("run.steps(start=...)", start)
        if self._orders.save is not None and (save is None or load is None):
            self._say(event="cannot", lacks="no save" if save is None else "no load")
        if self._orders.load is not None:
            if load is None:
                msg = "`run.steps(load=...)` must be given to start from a checkpoint, got None. Write load(path) -> t."
                raise InputError(msg)
            start = self._load(load, self._orders.load)
        self._say(event="steps", saves=save is not None, loads=load is not None)
        stop = self.stop
        if self._orders.save is not None and save is None:
            msg = "`run.steps(save=...)` must be given to save a checkpoint, got None. Write save(path, t)."
            raise InputError(msg)
        self._steer()
        if self._looking is not None:
            if self._probed is not None:
                self._looking.probe(*self._probed)
            self._looking.begin(start)
        for t in range(start, stop):
            self.enter(t)
            yield t
        if self._looking is not None:
            self._looking.end()

        def save_all(path: str) -> None:
            drawn = random_state()  # before save(), which may draw: the run that goes on never calls it
            if save is not None:
                save(path, stop)
            drawn.save(_beside(Path(path)))

        self.leave(stop, save_all)

    # ---- what `steps` says, for a trainer that has a loop of its own and follows this run ----

    @property
    def checkpoint(self) -> str | None:
        """Where a study asks to start from; None: at the beginning. For a trainer's argument of that meaning."""
        return None if self._orders.load is None else str(self._orders.load)

    @property
    def stop(self) -> int:
        """The step to stop at: the end of the horizon, or where a study says."""
        return self.horizon.steps if self._orders.stop is None else min(self._orders.stop, self.horizon.steps)

    @property
    def saves(self) -> bool:
        """Whether a study wants a checkpoint at the stop."""
        return self._orders.save is not None

    def begin(self, name: str, steps: int, start: int, seed: int | None = None) -> None:
        """A trainer is about to make updates ``start`` to ``steps``, with this seed.

        Args:
            name: the argument that says where to start, as in ``trainer.fit(ckpt_path=...)``.
            steps: the length of its whole run.
            start: updates made already.
            seed: what it seeds the generators with; None if it does not.

        Raises:
            InputError: its run is not this one's: another length, another beginning or another seed.
        """
        if steps != self.horizon.steps:
            cure = "Say max_steps=run.horizon.steps."
            msg = refusal("run.attach(trainer)", f"must be a trainer of {self.horizon.steps} steps", steps, cure)
            raise InputError(msg)
        self._steer()
        if self._events is None:
            return
        if (self._orders.load is None) != (start == 0):
            msg = refusal(name, f"must be run.checkpoint, {self.checkpoint!r}", f"a start at step {start}")
            raise InputError(msg)
        if seed is not None and seed != self.seed:
            msg = refusal("run.attach(trainer)", f"must be a trainer with seed=run.seed, {self.seed}", seed)
            raise InputError(msg)
        if self._orders.load is not None:
            self._say(event="loaded", step=start)
        self._say(event="steps", saves=True, loads=True)

    def enter(self, step: int) -> None:
        """This update is being made: what is logged from here on is of it."""
        self._at = step
        if self._reporting is not None:
            self._reporting.enter(step)

    def leave(self, step: int, save: Callable[[str], Any]) -> None:
        """So many updates were made, and no more are; ``save(path)`` writes a checkpoint if a study wants one."""
        if self._orders.save is not None:
            save(str(self._orders.save))
        if self._reporting is not None:
            self._reporting.leave(whole=step >= self.horizon.steps)
        self._say(event="end", step=step)
        self._end()
        if self._steering is not None and step >= self.horizon.steps:
            self._steering.finish(step)

    def log(self, **values: Any) -> None:
        """Record numbers of the update being made, such as ``loss=`` or ``accuracy=``; a no-op outside a study.

        Raises:
            InputError: a value is not a single number, its name is one of the trace's own, or no update is being made.
        """
        if self._events is None:
            return
        if self._at < 0:
            cure = "Loop over `for t in run.steps():`, and log in the loop or after it."
            msg = refusal("run.log(...)", "must come after the first step of run.steps()", sorted(values), cure)
            raise InputError(msg)
        rate = float(self._rates[self._at]) if self._rates is not None else None  # the schedule's
        self._events.say(event="row", step=self._at, rate=rate, values=row_of(values))

    def _steer(self) -> None:
        """Training begins: repeat the journal, and from here on do what the run is told by hand."""
        scheduler = getattr(self._scheduler, "scheduler", self._scheduler)  # a trainer's is in what follows it
        if self._journal and self._orders.spec is None and self._orders.rates is None:
            replay(scheduler.dial, self._journal)
            scheduler.seek(scheduler.count)
        if self._resumption is not None:
            self._resumption.go_on(scheduler)
        if self._steering is not None and self._bound is not None:
            self._steering.begin(scheduler, repr(self._bound.schedule))

    def _load(self, load: Callable[[str], int], path: Path) -> int:
        start = load(str(path))
        if type(start) is not int or start < 0:
            msg = refusal("load(path)", "must return the step it was saved at, an integer >= 0", start)
            raise InputError(msg)
        if _beside(path).exists():
            set_random_state(RandomState.load(_beside(path)))
        if hasattr(self._scheduler, "seek"):
            self._scheduler.seek(start)
        self._say(event="loaded", step=start)
        return start

    def _say(self, **event: Any) -> None:
        if self._events is not None:
            self._events.say(**event)

    def _end(self) -> None:
        if self._events is not None:
            self._events.flush()


def _beside(checkpoint: Path) -> Path:
    """Where the random state of this process is kept."""
    mine = rank()
    return checkpoint.with_name(checkpoint.name + (".random.npz" if mine == "0" else f".random.{mine}.npz"))
