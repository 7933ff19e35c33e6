"""`find` in process: a range test on a compiled Keras model, at the start or in the middle of training.

    find(model, x, y, batch_size=32).suggestion
    find(model, dataset).suggestion                 # anything that gives batches (x, y), again and again

The model, its optimizer and its metrics are put back bit for bit, also after an exception and after Ctrl-C; what is
looked into is said in `lrdecay.adapters.keras.keeping`. `lrdecay.find(model, x=..., y=...)` is this with intervals and
JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from lrdecay.adapters.keras.feeding import held_out, source_of
from lrdecay.adapters.keras.in_process import InProcess
from lrdecay.adapters.keras.keeping import kept_attributes
from lrdecay.adapters.keras.layers import inner_of
from lrdecay.adapters.keras.schedule import KerasSchedule
from lrdecay.errors import Constraint, InputError, positive_int, refusal
from lrdecay.rangetest.driver import rising_rates
from lrdecay.rangetest.passes import Recorded, Source
from lrdecay.rangetest.repeats import Measured, measured
from lrdecay.runs.seeding import kept_random_state

__all__ = ["find"]

_a_model = Constraint("must be a keras.Model", lambda m: isinstance(m, keras.Model))
_CURE = "What its code changes must be found from the model, its optimizer, its metrics or keep=(...)."


def find(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout: Callable[[], Any] | Any = None,
    heldout_every: int = 5,
    keep: Sequence[Any] = (),
) -> Measured:
    """Raise the rate from low to high, a few times over from the state at hand.

    Args:
        model: compiled; fresh or trained. Its own training step, loss and optimizer are used.
        x: as for ``fit``: arrays, or lists or mappings of them; or a ``PyDataset``, a DataLoader, a list, anything that
            gives batches x, (x, y) or (x, y, sample_weight) in a fresh pass each time it is iterated.
        y: arrays, with arrays.
        batch_size: of arrays, 32 by default; shuffled by the repeat's seed.
        sample_weight: with arrays, a weight per sample.
        class_weight: as for ``fit``.
        seed: the repeats seed the process's generators, the loader's and the layers' with FIRST_SEED + seed, and on.
        repeats: curves, each from the same weights, with its own data order.
        points: updates in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential" or "linear".
        heldout: a tuple of arrays (x, y), or batches, or a function that gives the held-out loss.
        heldout_every: points from one held-out loss to the next.
        keep: more to put back: layers, models, metrics, optimizers, seed generators and variables that the model does
            not hold.

    Raises:
        InputError: something asked for cannot be done; nothing was changed, or all was put back.
        RunError: the loss is not finite from the start, no update is ever made, or the state could not be put back.
    """
    _a_model.check("find(model)", model)
    _usable(model)
    positive_int.check("find(heldout_every=...)", heldout_every)
    rates = rising_rates(low, high, points, ramp)
    source = source_of(x, y, sample_weight, batch_size)
    with kept_random_state():  # batches of held-out data may be drawn
        measure = None if heldout is None else held_out(heldout, model, batch_size)
    if hasattr(model, "jax_state_sync"):  # in a callback of fit, the variables are elsewhere
        model.jax_state_sync()
    _built(model, source)
    process = InProcess(
        model,
        Recorded(source),
        class_weight=class_weight,
        generators=source.generators(),
        heldout=measure,
        keep=keep,
    )
    return measured(
        process,
        rates,
        label=model.name,
        seed=seed,
        repeats=repeats,
        heldout_every=None if heldout is None else heldout_every,
        notes=source.notes,
        cure=_CURE,
    )


def _usable(model: Any) -> None:
    """Raise `InputError` unless the model is compiled, makes one update in a call, and has one rate to raise."""
    if not model.compiled or model.optimizer is None:
        cure = "Call model.compile(optimizer=..., loss=...) first."
        msg = refusal("find(model)", "must be compiled", "a model without an optimizer", cure)
        raise InputError(msg)
    if model.steps_per_execution != 1:
        rule = "must make one update in a call, with steps_per_execution=1"
        msg = refusal("find(model)", rule, model.steps_per_execution, "Compile it so for the search.")
        raise InputError(msg)
    driven = inner_of(model.optimizer)._learning_rate
    if isinstance(driven, KerasSchedule) and driven.drives_a_plan:
        cure = "Find before attaching the plan."
        msg = refusal("find(model)", "must have one rate, or multipliers of one", "a plan that drives it", cure)
        raise InputError(msg)


def _built(model: Any, source: Source) -> None:
    """Make the variables that are made late, of the model and of its optimizer, as ``fit`` would make them.

    Metrics and losses stay as they are: ``fit`` looks at its data to build them, which moves the order of its batches.

    Raises:
        InputError: the model has nothing to train.
    """
    if not all(layer.built for layer in model._flatten_layers()):
        generators = source.generators()
        states = [g.get_state() for g in generators]
        try:
            with kept_random_state():
                source.begin(0)
                batch = keras.utils.unpack_x_y_sample_weight(source.next())
        finally:
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
        back = kept_attributes([model._compile_metrics, model._compile_loss])
        model._symbolic_build(data_batch=batch)
        back()
    if not model.trainable_variables:
        msg = refusal("find(model)", "must have weights to train", "none")
        raise InputError(msg)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
