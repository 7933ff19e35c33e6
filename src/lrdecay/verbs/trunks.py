"""From a source and its variants to what branches start from: a checkpoint of the user's own, or a step to train up to.

A variant from a checkpoint goes on from that checkpoint: its override holds for the branches and not before. Without
one, it is another run of the task from the first update on, and trains a trunk of its own. Either way the rates that
led there must be the same, so that the same branches can be compared on every variant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrdecay.errors import InputError, RunError, positive, positive_int, refusal
from lrdecay.runs.origin import Origin, checkpoint_hash
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Source
from lrdecay.schedule import Schedule, constant
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.show import horizon_of, spec_of
from lrdecay.verbs.trunk import Trunk
from lrdecay.verbs.variants import Variant
from lrdecay.verbs.varied import Arm, arms_of

__all__ = ["fixed_by_the_checkpoint", "trunks_of", "variants_said"]


def trunks_of(
    pool: LocalPool,
    source: Source,
    variants: Sequence[Variant],
    *,
    verb: str,
    checkpoint: str | Path | None,
    at: int | None,
    schedule: str | Schedule | None,
    rate: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
) -> tuple[Trunk, ...]:
    """Read and check where to start, for each variant; for the source itself where there is none.

    Args:
        pool: where the source is asked.
        source: a task, or a script.
        variants: of its arguments, or of its command.
        verb: for messages.
        checkpoint: one of the script's own, which says its step.
        at: the step to train up to first, without a checkpoint; with one, what its step must be.
        schedule: what led there, with the horizon it may carry.
        rate: the rate there, where the schedule is not known.
        steps: the horizon of that schedule, in place of the source's own.
        epochs: the same in epochs.

    Raises:
        InputError: one of them is missing or does not fit the others, the checkpoint cannot be loaded, or a variant
            changes what led there.
        RunError: the script fails.
    """
    spec = _led_there(verb, checkpoint, at, schedule, rate)
    digest = None
    if checkpoint is not None:
        if not isinstance(source, ScriptSource):
            cure = "A task has no checkpoints: say --at STEP, and its trunk is trained here."
            msg = refusal("--from CHECKPOINT", "must come with --script", str(checkpoint), cure)
            raise InputError(msg)
        digest = checkpoint_hash(Path(checkpoint).absolute())
    found: list[Trunk] = []
    for arm in arms_of(pool, source, variants, steps=steps, epochs=epochs):
        used = spec.schedule.bind(horizon_of(spec, arm.probe.horizon)).values()
        origin = None
        if checkpoint is not None and digest is not None and isinstance(arm.source, ScriptSource):
            path = Path(checkpoint).absolute()
            origin = Origin(path, _step_of(pool, arm, arm.source, path), digest)
            if at is not None and at != origin.step:
                msg = refusal("--at STEP", f"must be the checkpoint's own step, {origin.step}", at, "Leave it out.")
                raise InputError(msg)
        step: int = at if origin is None else origin.step  # type: ignore[assignment]
        trunk = Trunk(source.label, arm, step, spec, schedule is not None, origin, used)
        if trunk.rate <= 0:
            msg = refusal(f"{verb}(schedule=...)", f"must give a rate above 0 at step {trunk.step}", trunk.rate)
            raise InputError(msg)
        _check_alike(found[0] if found else trunk, trunk)
        found.append(trunk)
    return tuple(found)


def variants_said(trunks: Sequence[Trunk]) -> list[str]:
    """What a variant means here, for people; nothing where there is none."""
    first = trunks[0]
    if first.arm.variant is None:
        return []
    named = f"variants: {', '.join(str(t.arm.variant) for t in trunks)}"
    if first.origin is not None:
        return [f"{named}; all go on from the one checkpoint, so what they override holds after step {first.step} only"]
    many = len({id(t.source) for t in trunks})
    if many == 1:
        return [f"{named}; measured on one training, since an average changes no update"]
    shared = "" if many == len(trunks) else f"; those that differ in the average share one, {many} in all"
    return [f"{named}; each holds from the first update on and has a trunk of its own{shared}"]


def fixed_by_the_checkpoint(arm: Arm, problem: Exception) -> InputError:
    """A variant that cannot go on from the checkpoint, in one line."""
    cure = "What is kept in the checkpoint cannot vary after it: leave that out, or train a trunk of its own."
    return InputError(f"`--vary {arm.variant}` must be able to go on from the checkpoint, got: {problem} {cure}")


def _led_there(
    verb: str, checkpoint: str | Path | None, at: int | None, schedule: str | Schedule | None, rate: float | None
) -> Spec:
    """The schedule that led there, a constant where only the rate is known; checks what can be checked at once."""
    if checkpoint is None and at is None:
        cure = "A script starts from --from CHECKPOINT; a task trains its trunk up to --at STEP."
        msg = refusal(f"{verb}(checkpoint=..., at=...)", "must be given, one of the two", "neither", cure)
        raise InputError(msg)
    if at is not None:
        positive_int.check("--at STEP", at)
    if rate is not None:
        positive.check("--rate", rate)
    if (schedule is None) == (rate is None):
        got = "neither" if rate is None else "both"
        what = "the schedule that led there" if verb == "extend" else "the schedule that led there, or --rate there"
        msg = refusal(f"{verb}(schedule=...)", f"must be given: {what}", got, "Such as --schedule 'wsd(...) @ 5000'.")
        raise InputError(msg)
    return Spec(constant(rate)) if schedule is None else spec_of(schedule)


def _step_of(pool: LocalPool, arm: Arm, source: ScriptSource, checkpoint: Path) -> int:
    """The checkpoint's step, as this variant of the script loads it."""
    try:
        return pool.call(source.start_of, checkpoint)
    except RunError as problem:
        if arm.variant is None:
            raise
        raise fixed_by_the_checkpoint(arm, problem) from problem


def _check_alike(first: Trunk, other: Trunk) -> None:
    """Raise `InputError` where a variant changes the step or the rates that led to it."""
    call = f"--vary {other.arm.variant}"
    if other.step != first.step:
        msg = refusal(call, f"must leave the checkpoint at its step, {first.step}", other.step)
        raise InputError(msg)
    if not other.led_alike(first):
        lengths = f"a run of {len(other.used)} updates, and {len(first.used)} with {first.arm.variant}"
        cure = f"Say how long the run was: --schedule '{first.spec.schedule} @ {len(first.used)}'."
        msg = f"`{call}` must leave the rates that led to step {first.step} as they are, got {lengths}. {cure}"
        raise InputError(msg)
