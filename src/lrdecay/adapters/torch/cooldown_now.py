"""`CooldownNow`: while a run trains at a constant rate, what a cooldown that begins now would reach.

    watch = CooldownNow(model, evaluate, every=200)      # evaluate(model) gives the held-out loss
    for t in range(steps):
        ...
        optimizer.step()
        said = watch.after_step()                        # an estimate after each look, else None
        if said: print(said)                             # a cooldown of 20% now would give about 2.91 (2.88 to 2.94)

After every update the running average of the weights takes them in. At a look the held-out loss is measured twice, of
the weights and of their average, which for that time stands in the model itself; batch-norm statistics are made anew
for it from ``batches``. Then everything is put back, bit for bit: weights, buffers, gradients, modes, random state.
What the two losses say is `lrdecay.losslaws.averaged`, with its equation, what it was measured on, and its limits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch.optim.swa_utils import update_bn

from lrdecay.adapters.torch.averages import Weights, put
from lrdecay.adapters.torch.keeping import keep
from lrdecay.adapters.torch.passes import feeds
from lrdecay.errors import Constraint, InputError, positive_int, refusal
from lrdecay.losslaws.averaged import FEWEST, STEEPNESS, AveragedTrunk, CooldownEstimate, Cooled, check_share
from lrdecay.runs.files import write_text
from lrdecay.runs.seeding import kept_random_state

__all__ = ["CooldownNow"]

_FORMAT = 1  # raised when the meaning of a state changes
_KEPT_RATE = 0.98  # of the highest: below, the rate is no longer constant
_a_module = Constraint("must be a torch.nn.Module", lambda m: isinstance(m, torch.nn.Module))
_a_function = Constraint("must be a function of the model that gives its held-out loss", callable)


@final
class CooldownNow:
    """Watches a run at a constant rate.

    Args:
        model: that trains; inside a wrapper of several processes, the model in it. Each process may watch for itself.
        evaluate: ``evaluate(model)`` gives the held-out loss, without gradients; which mode the model is in it says
            itself. It should measure the same data each time.
        every: updates from one look to the next; a look costs two evaluations.
        cooldown: its length as a share of the updates so far, from 0.1 to 0.4.
        batches: training inputs, or batches whose first item they are, for the statistics of batch norm; a fresh pass
            is made at each look. Needed where the model has batch norm, unused elsewhere.
        optimizer: whose rate is seen to be constant; None: nobody looks, and the rates are not in the log.
        keep: more objects to put back after a look, such as generators that ``evaluate`` draws from.
        log: a CSV file, written anew at each look: step, lr, heldout_loss, averaged, and what was said. `lrdecay
            forecast` reads it.

    Attributes:
        step: updates made.

    Raises:
        InputError: an argument is out of range, or the model has batch norm and no ``batches``.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        evaluate: Callable[[torch.nn.Module], Any],
        *,
        every: int,
        cooldown: float = 0.2,
        batches: Iterable[Any] | None = None,
        optimizer: Optimizer | None = None,
        keep: Sequence[Any] = (),
        log: str | Path | None = None,
    ) -> None:
        """See the class."""
        _a_module.check("CooldownNow(model)", model)
        _a_function.check("CooldownNow(evaluate)", evaluate)
        positive_int.check("CooldownNow(every=...)", every)
        check_share("CooldownNow(cooldown=...)", cooldown)
        normed = any(isinstance(m, _BatchNorm) and m.track_running_stats for m in model.modules())
        if normed and batches is None:
            cure = "Give the training loader; the statistics belong to the weights, and the average needs its own."
            msg = refusal("CooldownNow(batches=...)", "must be given for a model with batch norm", None, cure)
            raise InputError(msg)
        if batches is not None and iter(batches) is batches:
            cure = "Give what makes it, such as the DataLoader."
            msg = refusal("CooldownNow(batches=...)", "must give a fresh pass each time", "an iterator", cure)
            raise InputError(msg)
        self.step = 0
        self._model, self._evaluate, self._optimizer = model, evaluate, optimizer
        self._every, self._share = every, float(cooldown)
        self._average: Weights = []
        self._batches = batches if normed else None
        self._keep = [*keep, *(feeds(batches) if normed else ())]
        self._log = None if log is None else Path(log)
        self._looks: list[dict[str, Any]] = []  # step, plain, averaged, low and high rate since the last look, said
        self._cooled: list[Cooled] = []
        self._rates: list[float] = []  # lowest and highest since the last look

    def after_step(self) -> CooldownEstimate | None:
        """To be called after every update; gives an estimate after a look, where there were enough of them.

        Raises:
            InputError: ``evaluate`` gives no number.
        """
        self.step += 1
        self._take_in()
        if self._optimizer is not None:
            rate = max(float(group["lr"]) for group in self._optimizer.param_groups)
            self._rates = [min([rate, *self._rates]), max([rate, *self._rates])]
        if self.step % self._every:
            return None
        look = {"step": self.step, "plain": self._measured(None), "averaged": self._measured(self._average)}
        self._looks.append({**look, "rates": self._rates, "said": None})
        self._rates = []
        said = None if self._obstacle() else self.estimate()
        if said is not None:
            self._looks[-1]["said"] = [said.loss, said.low, said.high]
        self._write()
        return said

    def estimate(self, cooldown: float | None = None) -> CooldownEstimate:
        """What a cooldown that begins at the last look would reach.

        Args:
            cooldown: its length as a share of the updates then; None: as said at the beginning.

        Raises:
            InputError: there are too few looks, the rate was not constant, a loss was not finite, or the length is out
                of range.
        """
        share = self._share if cooldown is None else cooldown
        check_share("estimate(cooldown)", share)
        obstacle = self._obstacle()
        if obstacle is not None:
            raise InputError(refusal("estimate()", *obstacle))
        return _of(self._looks).estimate(share, known=self._cooled)

    def cooled(self, step: int, cooldown: float, loss: float) -> None:
        """Say what a real cooldown from this run reached; how far its estimate was off is in every ``y`` from now on.

        Args:
            step: updates made when it began, those of a look.
            cooldown: its length as a share of these; linear to zero.
            loss: held out, at its end.

        Raises:
            InputError: nobody looked then, or an estimate could not have been made.
        """
        one = Cooled(step, cooldown, loss)
        _of(self._looks).estimate(at=step, share=cooldown, known=[one])
        self._cooled.append(one)

    def state_dict(self) -> dict[str, Any]:
        """The average, what was measured, and the step: tensors and JSON, which load with ``weights_only=True``."""
        return {
            "format": _FORMAT,
            "step": self.step,
            "looks": copy.deepcopy(self._looks),
            "rates": list(self._rates),
            "cooled": [[one.step, one.share, one.loss] for one in self._cooled],
            "average": {str(i): w.clone() for i, w in enumerate(self._average)},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Back to a state, of the same model.

        Raises:
            InputError: it is of another format or another model; nothing was changed.
        """
        call = "load_state_dict(state)"
        if state.get("format") != _FORMAT:
            raise InputError(refusal(call, f"must be of format {_FORMAT}", state.get("format")))
        own = [tuple(p.shape) for p in self._model.parameters()]
        found = [tuple(w.shape) for w in state["average"].values()]
        if found and found != own:
            raise InputError(refusal(call, "must be of a model with these parameters", found))
        places = [p.device for p in self._model.parameters()] if found else []
        kept = list(state["average"].values())
        self._average = [w.to(place, copy=True) for w, place in zip(kept, places, strict=True)]
        self.step, self._rates = state["step"], list(state["rates"])
        self._looks = copy.deepcopy(list(state["looks"]))
        self._cooled = [Cooled(*one) for one in state["cooled"]]

    @torch.no_grad()
    def _take_in(self) -> None:
        """The newest weights into the average, which is of float32 or finer: shares become too small for bfloat16."""
        own = [p.to(torch.promote_types(p.dtype, torch.float32)) for p in self._model.parameters()]
        if self._average:
            torch._foreach_lerp_(self._average, own, (STEEPNESS + 1) / (self.step + STEEPNESS))
        else:
            self._average = [w.clone() for w in own]

    def _measured(self, weights: Sequence[torch.Tensor] | None) -> float:
        """The held-out loss, of the model's weights or of others; nothing is left changed."""
        back = keep([self._model, *self._keep])
        with kept_random_state(), torch.no_grad():
            try:
                if weights is not None:
                    put(self._model, weights)
                    if self._batches is not None:
                        update_bn(self._batches, self._model, next(self._model.parameters()).device)
                loss = self._evaluate(self._model)
            finally:
                back()
        if not isinstance(loss, int | float) and getattr(loss, "ndim", None) != 0:
            raise InputError(refusal("CooldownNow(evaluate)", "must give a number", type(loss).__name__))
        return float(loss)

    def _obstacle(self) -> tuple[str, Any, str] | None:
        """Why no estimate can be made now: the rule, what there is and a cure."""
        now = self._looks[-1]["step"] if self._looks else 0
        felt = [look for look in self._looks if look["step"] >= now / 2]
        if len(felt) < FEWEST:
            rule = f"must be asked when the last half of the updates holds {FEWEST} looks or more"
            return rule, len(felt), f"That is from step {2 * (FEWEST - 1) * self._every} on; or look more often."
        lost = [look["step"] for look in felt if not np.isfinite([look["plain"], look["averaged"]]).all()]
        if lost:
            return "must be asked where losses are finite", f"others at step {lost[0]}", "The run diverged."
        rates = [rate for look in felt for rate in look["rates"]]
        if rates and min(rates) < _KEPT_RATE * max(rates):
            cure = "An estimate is for a run at a constant rate, over the last half of its updates."
            return "must be asked along a constant rate", [min(rates), max(rates)], cure
        return None

    def _write(self) -> None:
        """The whole log anew, so that a run that is resumed leaves no line twice."""
        if self._log is None:
            return
        lr = ["lr"] if self._optimizer is not None else []
        lines = [",".join(["step", *lr, "heldout_loss", "averaged", "estimate", "low", "high"])]
        for look in self._looks:
            said = look["said"] or ["", "", ""]
            row = [look["step"], *look["rates"][1:], look["plain"], look["averaged"], *said]
            lines.append(",".join(map(str, row)))
        write_text(self._log, "\n".join([*lines, ""]))


def _of(looks: Sequence[Mapping[str, Any]]) -> AveragedTrunk:
    """What was measured, without what was not finite."""
    kept = [look for look in looks if np.isfinite([look["plain"], look["averaged"]]).all()]
    return AveragedTrunk(*([look[name] for look in kept] for name in ("step", "averaged", "plain")))
