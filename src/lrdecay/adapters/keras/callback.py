"""A callback that writes the rate before every batch, for an optimizer whose learning rate is a plain number.

    model.fit(..., callbacks=[LRDecay("warmup(500) + cosine(0.1)", Horizon(steps=10_000))])

t is read from the optimizer, never counted here: micro batches that are accumulated, updates that a
``LossScaleOptimizer`` skips, ``initial_epoch=`` and ``BackupAndRestore`` need nothing. Reading it waits for the device
at every batch; `lrdecay.adapters.keras.attach` does not. What only the callback can do: the end policy "raise", and
runs of more updates than a compiled table holds, and rules: under one, it is shown the logs of each epoch by their
names in Keras, such as ``metric="val_loss"``, and the rate it decides on holds from the next update on.

    decay = attach(model, 'cosine(0.1) * plateau(metric="val_loss")', Horizon(epochs=90, steps_per_epoch=391))
    model.fit(..., callbacks=[decay])

A saved model does not hold what a rule remembers: keep ``decay.state_dict()``, plain JSON, beside it. A loop of one's
own calls ``decay.step()`` before each update and ``decay.observe(...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import keras

from lrdecay.adapters.binding import bound_of
from lrdecay.adapters.hosted import HostDrive
from lrdecay.adapters.keras.attaching import optimizer_of
from lrdecay.adapters.keras.layers import count_of, drive_layers, inner_of
from lrdecay.adapters.observed import ruled_of
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.rule import Event
from lrdecay.feedback.ruled import Ruled
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["LRDecay"]


@final
class LRDecay(keras.callbacks.Callback):  # type: ignore[misc]
    """A schedule over ``model.fit``; the rate of each epoch's last batch is logged as "learning_rate".

    Args:
        schedule: a schedule, one under a rule, its text notation, or one bound already (then leave ``horizon`` out).
        horizon: the length of the run and its units, in updates.
        layer_multipliers: numbers >= 0 by patterns of names, see `lrdecay.adapters.keras.layers`.
        after: the end policy, "hold" by default. Under "raise" it is the batch past the end that is refused.

    Attributes:
        events: what the rule did since this was made, in order.

    Raises:
        InputError: an argument does not fit, or a schedule under a rule is to be repeated; at the start of ``fit``: the
            optimizer's learning rate is a schedule of its own, or the model makes several updates between two
            callbacks; at the end of an epoch: its logs lack a value that the rule needs.
    """

    def __init__(
        self,
        schedule: Schedule | Ruled | Bound | str,
        horizon: Horizon | None = None,
        *,
        layer_multipliers: Mapping[str, float] | None = None,
        after: str | None = None,
    ) -> None:
        super().__init__()
        said, rule = ruled_of(schedule)
        self.bound = bound_of(said, horizon, after)
        self._drive: HostDrive | None = None if rule is None else HostDrive(self.bound, rule)
        self.events: list[Event] = [] if self._drive is None else self._drive.events
        self._lacking: dict[str, Any] | None = None  # logs without what the rule needs, and it has seen none yet
        self._seen = False
        self._layers = {} if layer_multipliers is None else layer_multipliers
        self._rate: float | None = None

    def set_model(self, model: Any) -> None:
        """Look at the model; Keras calls this before it compiles the training step."""
        self._model = model
        self.take(model)
        if model.steps_per_execution != 1:
            cure = "Use attach(model, ...), which looks the rate up inside the step." if self._drive is None else ""
            rule = "must be called before every batch, with steps_per_execution=1"
            msg = refusal("LRDecay(...)", rule, model.steps_per_execution, cure)
            raise InputError(msg)
        model.train_function = None  # made again, with these multipliers

    def take(self, given: Any) -> None:
        """Drive this optimizer, or that of this compiled model, from now on; `step` writes its rate.

        Raises:
            InputError: its learning rate is a schedule of its own.
        """
        self._optimizer = inner_of(optimizer_of("LRDecay(...)", given))
        if not isinstance(self._optimizer._learning_rate, keras.Variable):
            instead = ", or use attach(model, ...) in place of the callback" if self._drive is None else ""
            cure = f"Build it with a number{instead}."
            found = type(self._optimizer._learning_rate).__name__
            msg = refusal("LRDecay(...)", "must drive an optimizer whose learning rate is a number", found, cure)
            raise InputError(msg)
        if self._layers or isinstance(given, keras.Model):
            drive_layers(self._optimizer, self._layers)

    @property
    def count(self) -> int:
        """t: the updates made, which is the index of the next one."""
        if hasattr(self.model, "jax_state_sync"):  # on jax, the variables are elsewhere while an epoch runs
            self.model.jax_state_sync()
        return count_of(self._optimizer)

    @property
    def dial(self) -> Dial:
        """Where the rates come from; an edit that is added to it holds for what is written from then on.

        Raises:
            InputError: the end policy is "repeat".
        """
        return self._turnable().dial

    def at_boundary(self, callback: Callable[[int], object]) -> None:
        """Have ``callback(t)`` called once for each t, before the rate of update t is written; it may turn the dial."""
        self._turnable().at_boundary(callback)

    def step(self) -> float:
        """Write the rate of the next update, and give it.

        Raises:
            InputError: it is past the end and the end policy is "raise".
        """
        t = self.count
        self._rate = self.bound(t) if self._drive is None else self._drive.rate(t)
        self._optimizer.learning_rate = self._rate
        return self._rate

    def observe(self, **values: Any) -> Event | None:
        """Show the rule what was seen, such as ``observe(loss=0.5)``; `step` writes what it decides.

        Raises:
            InputError: there is no rule, or a value it needs is missing or no single number.
        """
        return self._turnable().observe(self.count, values)

    def state_dict(self) -> dict[str, Any]:
        """What a rule remembers and a hand did, as plain JSON; the count is the optimizer's."""
        return self._turnable().state()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a state of `state_dict`.

        Raises:
            InputError: it is none, or of another schedule, horizon or rule.
        """
        self._turnable().load(state)

    def _turnable(self) -> HostDrive:
        if self._drive is None:
            self._drive = HostDrive(self.bound, None)
        return self._drive

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Write f(t).

        Raises:
            InputError: t is past the end and the end policy is "raise".
        """
        self.step()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Log the rate of the last batch, and show the rule the epoch's logs; what is validated may come more rarely.

        Raises:
            InputError: they lack a value that the rule needs.
        """
        needs = frozenset() if self._drive is None else self._drive.needs
        known = {} if logs is None else dict(logs)
        missing = sorted(needs - known.keys())
        if missing and not all(name.startswith("val_") for name in missing):
            self._refuse(missing, known)
        if missing and not self._seen:
            self._lacking = known
        if needs and not missing:
            self._seen, self._lacking = True, None
            self.observe(**{name: known[name] for name in sorted(needs)})
        if logs is not None and self._rate is not None:
            logs["learning_rate"] = self._rate

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """See that a rule which needs what is validated was shown it at all.

        Raises:
            InputError: it was not.
        """
        if self._drive is not None and self._lacking is not None:
            self._refuse(sorted(self._drive.needs), self._lacking)

    def _refuse(self, names: list[str], known: Mapping[str, Any]) -> None:
        cure = 'Say what the rule reads by its name there, such as metric="val_loss".'
        msg = refusal("LRDecay(...)", f"must find {', '.join(names)} in the logs of an epoch", sorted(known), cure)
        raise InputError(msg)
