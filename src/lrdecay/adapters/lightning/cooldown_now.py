"""`CooldownNow`: as a trainer's callback, what a cooldown that begins now would reach.

    trainer = Trainer(callbacks=[CooldownNow(evaluate, every=200)])      # evaluate(module) gives the held-out loss

It is `lrdecay.adapters.torch.CooldownNow` around the module, called after every update; what is said is logged by the
trainer as cooldown_now, cooldown_now_low and cooldown_now_high. Its state goes into the trainer's checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from lightning.pytorch import Callback, LightningModule, Trainer

from lrdecay.adapters.torch import CooldownNow as Watch
from lrdecay.losslaws.averaged import CooldownEstimate

__all__ = ["CooldownNow"]


@final
class CooldownNow(Callback):
    """Watches a module while it trains at a constant rate.

    Args:
        evaluate: ``evaluate(module)`` gives the held-out loss, by no method that logs.
        every: updates from one look to the next.
        options: ``cooldown``, ``batches``, ``keep`` and ``log`` of `lrdecay.adapters.torch.CooldownNow`.

    Attributes:
        watch: what it calls, from the start of training on; None before.
        said: the latest estimate; None: none yet.
    """

    def __init__(self, evaluate: Callable[[Any], Any], *, every: int, **options: Any) -> None:
        """See the class."""
        self._evaluate, self._every, self._options = evaluate, every, options
        self.watch: Watch | None = None
        self.said: CooldownEstimate | None = None
        self._loaded: dict[str, Any] | None = None
        self._made = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, or go on from a checkpoint."""
        optimizer = trainer.optimizers[0] if len(trainer.optimizers) == 1 else None
        self.watch = Watch(pl_module, self._evaluate, every=self._every, optimizer=optimizer, **self._options)
        if self._loaded is not None:
            self.watch.load_state_dict(self._loaded)
        self._loaded, self._made = None, trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """After a batch that made an update."""
        if self.watch is None or trainer.global_step == self._made:
            return
        self._made = trainer.global_step
        said = self.watch.after_step()
        if said is not None:
            self.said = said
            named = {"cooldown_now": said.loss, "cooldown_now_low": said.low, "cooldown_now_high": said.high}
            pl_module.log_dict(named)

    def state_dict(self) -> dict[str, Any]:
        """Of what it calls."""
        return {} if self.watch is None else self.watch.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Kept until training begins, when there is a module."""
        self._loaded = state_dict or None
