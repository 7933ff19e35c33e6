"""A trainable around a PyTorch model, optimizer, loss and data that fit in memory.

Batches are slices of an order that is a pure function of (seed, position), see `lrdecay.runs.order`; an epoch is
exactly the number of training samples. The task keeps random state of its own: while it trains, the process's
generators are swapped for it, and put back afterwards, so that two tasks in one process do not disturb each other or
the user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch

from lrdecay.adapters.torch.along import walk
from lrdecay.adapters.torch.measured import Measured
from lrdecay.adapters.torch.observables import Observables
from lrdecay.adapters.torch.snapshots import arrays_of, restore_arrays
from lrdecay.adapters.torch.task_arguments import METRICS, Data, Metric, check_arguments
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.computed import COMPUTED
from lrdecay.runs.order import sample_order
from lrdecay.runs.seeding import RandomState, kept_random_state, random_state, seed_everything, set_random_state
from lrdecay.runs.trainable import FloatArray, Goal, Snapshot, check_values
from lrdecay.schedule import Horizon

__all__ = ["TorchTask"]

_PART = 250  # samples that are measured at once


class TorchTask:
    """(model, optimizer, loss, data) as a `lrdecay.runs.trainable.Trainable`.

    It obeys "lr" and "batch_size", and "weight_decay" where every group of the optimizer has one, as a plain number,
    and one is above 0; the groups keep their ratios. A batch begins where the one before it ended. What rules read of
    weights and gradients it works out itself, see `watch`.

    Args:
        model: any module; ``model(x)`` gives what ``loss`` takes.
        optimizer: over the model's parameters. Only the *ratios* of its groups' rates matter; a table says the rates.
            One whose ``step`` has an argument ``loss``, as MoMo's has, is given the loss of the update.
        loss: ``loss(model(x), y) -> scalar``, a mean over the batch.
        train: tensors (x, y) with samples along the first axis.
        heldout: the same, for the metrics.
        validation: the same, for rules that watch a run (`lrdecay.runs.ruled`), so that they do not watch what scores
            it; None: there is none.
        batch_size: samples in an update.
        epochs: the default length of a run; or give ``steps``.
        metric: "accuracy", "loss", or ``f(output, target) -> scalar`` over the whole held-out set.
        goal: whether the metric is to be large or small; "max" for accuracy, "min" for the loss, to be said for others.
        seed: of the data order and of what is drawn while training; by default the seed torch was last given.
        average: "none", "ema", "lawa" or "polynomial": what is measured is an average of the weights; see
            `lrdecay.adapters.torch.averages`. The training is the same. Several, in a list, are measured beside one
            another: `evaluate` gives the first under the plain names, and each as ``ema/accuracy``.
        also: ``also(model) -> {name: number}``, measured with the held-out metrics, on the weights that they are of, in
            evaluation mode and without gradients; it must change nothing.
        peak: where the search for a peak begins; to be given with an optimizer that finds its own rate, of which a
            range test says nothing.

    Attributes:
        parts: what it was made of, by the names above: from a fresh task and these, with some of them changed, another
            task can be made, which then takes its place.

    Raises:
        InputError: the data do not match, the optimizer updates what the model does not hold, nobody can tell whether
            more of the metric is better, or a number is out of range.
    """

    def __init__(
        self,
        *,
        model: torch.nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Callable[[Any, Any], torch.Tensor],
        train: Data,
        heldout: Data,
        validation: Data | None = None,
        batch_size: int,
        epochs: float | None = None,
        steps: int | None = None,
        metric: str | Metric = "accuracy",
        goal: Goal | None = None,
        seed: int | None = None,
        average: str | Sequence[str] = "none",
        also: Callable[[torch.nn.Module], Mapping[str, float]] | None = None,
        peak: float | None = None,
    ) -> None:
        """See the class."""
        sets = {"heldout": heldout, "train": train} | ({} if validation is None else {"validation": validation})
        check_arguments(model, optimizer, sets, batch_size, epochs, metric, goal, peak)
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.parts: Mapping[str, Any] = {
            "model": model,
            "optimizer": optimizer,
            "loss": loss,
            "train": train,
            "heldout": heldout,
            "validation": validation,
            "batch_size": batch_size,
            "epochs": epochs,
            "steps": steps,
            "metric": metric,
            "goal": goal,
            "seed": torch.initial_seed() if seed is None else seed,
            "average": average,
            "also": also,
            "peak": peak,
        }
        self.peak = peak
        self.step = 0
        self._position = 0  # samples seen
        self.horizon = Horizon(
            **({"steps": steps} if steps is not None else {}),
            epochs=epochs,
            samples_per_epoch=len(train[0]),
            batch_size=batch_size,
        )
        self.metric = metric if isinstance(metric, str) else getattr(metric, "__name__", "metric")
        self.goal: Goal = goal or ("min" if self.metric == "loss" else "max")
        self._measure = METRICS[metric] if isinstance(metric, str) else metric
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._also = also
        self._wants_loss = "loss" in signature(optimizer.step).parameters
        self._train, self._sets, self.validates = train, sets, validation is not None
        self.averages = tuple(average) if isinstance(average, list | tuple) else (average,)
        self.observables = COMPUTED
        self._watch: Observables | None = None
        self._measured = Measured(model, optimizer, self.averages, self.horizon, train[0], _PART)
        self._batch = batch_size
        self._seed = torch.initial_seed() if seed is None else seed
        self._scales = [r / max(rates) for r in rates]
        decays = [group.get("weight_decay") for group in optimizer.param_groups]
        plain = [float(d) for d in decays if isinstance(d, int | float)]
        obeys = len(plain) == len(decays) and max(plain) > 0
        self.sets = frozenset({"lr", "batch_size"} | ({"weight_decay"} if obeys else set()))
        self.weight_decay = max(plain) if obeys else 0.0
        self._decays = [d / self.weight_decay for d in plain] if obeys else []
        with kept_random_state():  # a stream of the seed's own, whatever drew before, apart from the initial weights'
            seed_everything(int(np.random.SeedSequence([self._seed % 2**64, 1]).generate_state(1, np.uint64)[0]))
            self._random: RandomState = random_state()

    def advance(
        self, values: Mapping[str, FloatArray], *, observe: frozenset[str] = frozenset({"loss"})
    ) -> Mapping[str, FloatArray]:
        """One update per row of the table; gives the training loss of each, before it."""
        count = check_values(values, self.sets)
        if observe - {"loss"}:
            msg = refusal("advance(observe=...)", "must be a subset of {'loss'}", sorted(observe))
            raise InputError(msg)
        x, y = self._train
        losses: list[torch.Tensor] = []
        with kept_random_state():
            set_random_state(self._random)
            decays = values["weight_decay"].tolist() if "weight_decay" in values else [None] * count
            sizes = self._sizes(values["batch_size"]) if "batch_size" in values else [self._batch] * count
            for rate, decay, size in zip(values["lr"].tolist(), decays, sizes, strict=True):
                for group, scale in zip(self._optimizer.param_groups, self._scales, strict=True):
                    group["lr"] = rate * scale
                if decay is not None:
                    for group, scale in zip(self._optimizer.param_groups, self._decays, strict=True):
                        group["weight_decay"] = decay * scale
                index = torch.from_numpy(sample_order(self._seed, len(x), self._position, size)).to(x.device)
                self._optimizer.zero_grad(set_to_none=True)
                loss = self._loss(self._model(x[index]), y[index])
                if not torch.is_tensor(loss) or loss.ndim:
                    found = f"a tensor of shape {tuple(loss.shape)}" if torch.is_tensor(loss) else type(loss).__name__
                    msg = refusal("TorchTask(loss=...)", "must give a tensor of a single number", found)
                    raise InputError(msg)
                loss.backward()  # type: ignore[no-untyped-call]
                self._update(loss.detach())
                losses.append(loss.detach())
                self.step += 1
                self._position += size
                self._measured.update(self.step)
            self._random = random_state()
        logged = torch.stack(losses).double().cpu().numpy() if losses else np.empty(count)
        return {"loss": logged} if observe else {}

    def _sizes(self, column: FloatArray) -> list[int]:
        if not np.all((column >= 1) & (column % 1 == 0)):
            msg = refusal("advance(values=...)", "must have whole batch sizes of at least 1", column.tolist())
            raise InputError(msg)
        return [int(size) for size in column]

    def _update(self, loss: torch.Tensor) -> None:
        step: Any = self._optimizer.step
        if self._watch is not None:
            self._watch.before_update()
        step(**{"loss": loss} if self._wants_loss else {})
        if self._watch is not None:
            self._watch.after_update()

    def watch(self, needs: frozenset[str], period: int = 1) -> Observables:
        """See `lrdecay.runs.trainable.HasObservables` and `lrdecay.adapters.torch.observables`."""
        self._watch = Observables(self._optimizer, needs, period)
        return self._watch

    def along_update(self) -> Callable[[float], float]:
        """See `lrdecay.rangetest.critical`; the batch is the next one, with the random numbers of its update."""
        drawn = self._random
        x, y = self._train
        index = torch.from_numpy(sample_order(self._seed, len(x), self._position, self._batch)).to(x.device)
        place = walk(self._optimizer, lambda: self.advance({"lr": np.ones(1)}))

        def loss(rate: float) -> float:
            place(rate)
            with kept_random_state(), torch.no_grad():
                set_random_state(drawn)
                return float(self._loss(self._model(x[index]), y[index]))

        return loss

    def evaluate(self, on: str = "heldout") -> Mapping[str, float]:
        """``loss`` and the metric on "heldout", "train" or "validation", in evaluation mode.

        Random state and modes are kept.

        With an average, or with an optimizer that has other weights to be measured, they are of those weights.
        """
        if on not in self._sets:
            msg = refusal("evaluate(on=...)", f"must be one of {', '.join(self._sets)}", on)
            raise InputError(msg)
        found = self._evaluated(on, self.averages[0])
        if len(self.averages) > 1:
            more = {text: found if i == 0 else self._evaluated(on, text) for i, text in enumerate(self.averages)}
            found = found | {f"{text}/{name}": value for text, own in more.items() for name, value in own.items()}
        return found

    def _evaluated(self, on: str, average: str) -> dict[str, float]:
        """What one average of the weights comes to."""
        x, y = self._sets[on]
        with kept_random_state(), torch.no_grad():
            model = self._measured.model(self._random, average)
            modes = [(module, module.training) for module in model.modules()]
            try:
                model.train(False)
                output = torch.cat([model(part) for part in x.split(_PART)])  # type: ignore[no-untyped-call]
                found = {"loss": float(self._loss(output, y))}
                if self._measure is not None:
                    found[self.metric] = float(self._measure(output, y))
                if self._also is not None and on == "heldout":
                    found |= {name: float(value) for name, value in self._also(model).items()}
            finally:
                for module, mode in modes:
                    module.training = mode
        return found

    def snapshot(self) -> Snapshot:
        """Parameters, buffers, gradients, modes, optimizer, random state, step, and the averages."""
        return self._snapshot()

    def _snapshot(self, *only: str) -> Snapshot:
        """Everything; or as a task that measures this average only would have it."""
        tensors, state = arrays_of(self._model, self._optimizer)
        tensors |= {f"random/{name}": array for name, array in self._random.tensors.items()}
        kept, more = self._measured.snapshot(*only)
        return Snapshot(
            tensors | kept,
            {
                **state,
                **more,
                "step": self.step,
                "position": self._position,
                "seed": self._seed,
                "random": self._random.state,
            },
        )

    def restore(self, s: Snapshot) -> None:
        """Back to a snapshot of this task, or of another made in the same way from the same seed.

        Raises:
            InputError: it is of another seed, model or optimizer.
        """
        if s.state["seed"] != self._seed:
            msg = refusal("restore(...)", f"must be given a snapshot of a task with seed {self._seed}", s.state["seed"])
            raise InputError(msg)
        self._measured.check(s.state)
        restore_arrays(self._model, self._optimizer, s.tensors, s.state)
        self._measured.restore(s.tensors, s.state)
        drawn = {name.removeprefix("random/"): a for name, a in s.tensors.items() if name.startswith("random/")}
        self._random = RandomState(drawn, s.state["random"])
        self.step, self._position = s.state["step"], s.state["position"]

    def digest(self) -> str:
        """Of the snapshot."""
        return self.snapshot().digest()

    def digests(self) -> Mapping[str, str]:
        """Of each average, the digest of this task if it measured that one alone."""
        return {text: self._snapshot(text).digest() for text in self.averages}
