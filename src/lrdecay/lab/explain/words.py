"""Numbers in plain words. Every sentence follows from numbers by a rule that its docstring states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lrdecay.lab.explain.numbers import Spread
from lrdecay.lab.instruments.oscillation import flips_of_noise

__all__ = ["amount", "count", "gained", "learned", "memory", "noise", "oscillation", "share", "told"]


def amount(value: float | None, metric: str) -> str:
    """A difference of a metric: points of accuracy, or the number."""
    if value is None:
        return "–"
    if metric == "accuracy":
        return f"{100 * value:.1f}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "–" if value is None else f"{100 * value:.0f}%"


def told(spread: Spread, metric: str) -> str:
    """The mean with its unit, and behind it each seed where there are several."""
    if spread.mean is None:
        return "–"
    mean = amount(spread.mean, metric) + (" points" if metric == "accuracy" else "")
    if len(spread.values) == 1:
        return mean
    return f"{mean} (seeds: {', '.join(amount(v, metric) for v in spread.values)})"


def gained(found: Mapping[str, Spread], says: str, metric: str) -> str:
    """What a cut gave, and how much of it averaged weights had without it.

    "Revealed more than it taught" where what the averaged weights had is clearly more than what came beyond it, "taught
    more than it revealed" where it is clearly less; neither where what came is not clearly above zero.
    """
    it = "the drop" if says.startswith("drop") else "the fall"
    came, had, beyond, tilt = (found[name] for name in ("came", "had", "beyond", "tilt"))
    what = f"After the {says}" if says.startswith("drop") else f"After the rate fell to {says}"
    if came.mean is None:
        return f"{what}: {metric} was not measured on both sides, so nothing is said of what came."
    if not came.clear:
        return f"{what}, {metric} changed by {told(came, metric)}: not clear of zero, so nothing came to be split."
    if came.mean < 0:
        return f"{what}, {metric} became worse: {told(came, metric)}."
    text = f"{what}, {metric} became better by {told(came, metric)} up to the end of the stage. "
    if had.mean is None:
        return f"{text}What averaged weights knew without the drop was not measured."
    text += (
        f"The averaged weights of the run that kept its rate had {told(had, metric)} of it at the same update; "
        f"{told(beyond, metric)} came beyond them: "
    )
    if not tilt.clear:
        return f"{text}which of the two is more cannot be told here."
    return text + (
        f"{it} revealed more than it taught."
        if tilt.mean is not None and tilt.mean > 0
        else f"{it} taught more than it revealed."
    )


def memory(stages: Sequence[Mapping[str, Spread]], names: Sequence[str]) -> str:
    """In which stage most of the wrong labels were fitted.

    One is named where more than half of all that were fitted at the end came in it, and that is clear.
    """
    last = stages[-1]["wrong_fit"].mean
    clean, mended = stages[-1]["clean_fit"].mean, stages[-1]["mended"].mean
    if last is None:
        return "The run with wrong labels diverged."
    text = (
        f"At the end {share(last)} of the wrong labels were fitted, beside {share(clean)} of the others; of the "
        f"wrongly labelled samples {share(mended)} were given their true class all the same. "
    )
    by_stage = ", ".join(share(s["wrong_fit"].mean) for s in stages)
    averaged = [s["averaged wrong_fit"].mean for s in stages]
    text += f"At the ends of the stages it was {by_stage}"
    known = any(v is not None for v in averaged)
    text += f" (averaged weights: {', '.join(share(v) for v in averaged)}). " if known else ". "
    changes = [s["wrong_fit change"] for s in stages]
    most = max(range(len(stages)), key=lambda i: changes[i].mean or 0.0)
    top = changes[most]
    if top.mean is not None and top.clear and top.mean > 0 and top.mean > last / 2:
        ends = f"from {share(_before(stages, most))} to {share(stages[most]['wrong_fit'].mean)}"
        return f"{text}Most of it came in {names[most]}: {ends}."
    return f"{text}No stage clearly accounts for most of it."


def _before(stages: Sequence[Mapping[str, Spread]], i: int) -> float:
    """The share of wrong labels fitted when a stage begins."""
    after, change = stages[i]["wrong_fit"].mean, stages[i]["wrong_fit change"].mean
    return (after or 0.0) - (change or 0.0)


def oscillation(before: Mapping[str, Spread], after: Mapping[str, Spread], momentum: float | None) -> str:
    """Whether updates turned back along the sharpest direction, and whether that ended.

    They did where the flip rate there is clearly above that of white noise under the momentum (a half without one, or
    where the optimizer is not SGD).
    """
    if before["flips"].mean is None or after["flips"].mean is None:
        if before["turned"].mean is not None and after["turned"].mean is not None:
            return (
                f"Before it {share(before['turned'].mean)} of successive updates pointed against the one before, after "
                f"it {share(after['turned'].mean)}. Oscillation along the sharpest direction was not measured."
            )
        return "Oscillation along the sharpest direction was not measured."
    white = flips_of_noise(momentum) if momentum is not None else 0.5
    text = (
        f"Before it {share(before['flips'].mean)} of successive updates turned back along the sharpest direction "
        f"({share(before['random'].mean)} along a random one; {share(white)} is what noise alone does), after it "
        f"{share(after['flips'].mean)} ({share(after['random'].mean)}). "
    )
    bounced, bounces = before["over noise"], after["over noise"]
    if bounced.clear and (bounced.mean or 0) > 0:
        ended = before["less"].clear and (before["less"].mean or 0) > 0
        if ended and not (bounces.clear and (bounces.mean or 0) > 0):
            return f"{text}The run bounced across the valley before it, and after it no more."
        return f"{text}The run bounced across the valley before it" + (
            ", and less after it." if ended else "; that it does so less after it is not clear."
        )
    return f"{text}That is not clearly more than noise alone does: no bouncing was seen that the fall could have ended."


def noise(found: Mapping[str, Any], batch: float | None, groups: int) -> str:
    """The noise scale, beside the batch; "at least" where it is not measurable."""
    if found.get("why"):
        return f"not measured: {found['why']}"
    unit = "samples" if batch else "batches"
    if found["value"] is not None:
        return f"{count(found['value'], 3)} ± {count(found['error'], 2)} {unit}"
    end = "" if found["at_least"] is None else f"; at least {count(found['at_least'], 2)} {unit}"
    return f"not measurable with {groups} batches{end}"


def count(value: float, digits: int) -> str:
    """So many significant digits, without an exponent."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}".replace(",", " ") if rounded >= 10 else f"{rounded:g}"


def learned(row: Mapping[str, Any]) -> str:
    """Who was learned and who was lost in a stage, on one set."""
    text = f"{row['gained']} of {row['samples']} samples were wrong at its beginning and right at its end, "
    text += f"{row['lost']} the other way"
    if "kept_gained" in row:
        text += f" (had the rate been kept: {row['kept_gained']} and {row['kept_lost']})"
    if "gained_and_averaged" in row and row["gained"]:
        text += f"; {row['gained_and_averaged']} of the {row['gained']} the averaged weights of the run that kept its "
        text += "rate had right too"
    return f"{text}."
