"""Estimates and verdicts on made-up values: each verdict where it belongs, and error rates over many null studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.declaration import Claim, Statistic, read
from lrdecay.lab.estimate import estimated, prediction
from lrdecay.lab.register import folder_of
from lrdecay.lab.verdict import judge

S = {
    "J": Statistic("J", "the jump", 0.05),
    "X": Statistic("X", "beyond the average", 0.03),
    "null": Statistic("null", "where nothing is", 0.05, primary=False),
    "planted": Statistic("planted", "where it was put", 0.05, primary=False),
}
CLAIM = Claim("c", "Decay teaches.", ("J", "X"), ("J",), "null", "planted")
LARGE, NOTHING = (0.10, 0.12, 0.11, 0.13, 0.12), (0.001, -0.002, 0.002, 0.0, -0.001)
WIDE = (0.2, -0.15, 0.1, -0.05, 0.02)
GOOD = {"null": NOTHING, "planted": LARGE}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"J": LARGE, "X": LARGE, **GOOD}, "holds"),
        ({"J": LARGE, "X": NOTHING, **GOOD}, "holds in part"),
        ({"J": NOTHING, "X": NOTHING, **GOOD}, "does not hold here"),
        ({"J": NOTHING, "X": LARGE, **GOOD}, "does not hold here"),
        ({"J": LARGE, "X": WIDE, **GOOD}, "cannot tell"),
        ({"J": WIDE, "X": WIDE, **GOOD}, "cannot tell"),
        ({"J": LARGE, "X": LARGE, "null": LARGE, "planted": LARGE}, "cannot tell"),
        ({"J": NOTHING, "X": NOTHING, "null": NOTHING, "planted": NOTHING}, "cannot tell"),
        ({"J": LARGE, **GOOD}, "not tested"),
    ],
)
def test_a_verdict_follows_from_the_estimates_and_their_controls(
    values: dict[str, tuple[float, ...]], verdict: str
) -> None:
    judged = judge(CLAIM, estimated(S, values), scale="small")
    assert judged.verdict == verdict, judged.reason
    assert judge(CLAIM, estimated(S, values), scale="smoke").verdict == "not tested"
    gated = judge(CLAIM, estimated(S, values), scale="small", gate="stage 1 did not train")
    assert (gated.verdict, gated.reason) == ("not tested", "stage 1 did not train")


@pytest.mark.parametrize(
    ("near", "far", "other", "needed", "verdict"),
    [
        (LARGE, LARGE, NOTHING, LARGE, "holds"),
        (LARGE, LARGE, WIDE, LARGE, "holds"),
        (LARGE, LARGE, LARGE, NOTHING, "does not hold here"),
        (LARGE, LARGE, LARGE, WIDE, "cannot tell"),
        (LARGE, NOTHING, WIDE, LARGE, "cannot tell"),
        (LARGE, NOTHING, NOTHING, LARGE, "does not hold here"),
        (NOTHING, NOTHING, WIDE, LARGE, "does not hold here"),
    ],
)
def test_two_of_three_are_enough_and_what_holds_must_be_there_too(
    near: tuple[float, ...], far: tuple[float, ...], other: tuple[float, ...], needed: tuple[float, ...], verdict: str
) -> None:
    claim = Claim("c", "Mostly.", ("needed",), some=("near", "far", "other"), enough=2)
    values = {"near": near, "far": far, "other": other, "needed": needed}
    told = {name: Statistic(name, name, 0.05, primary=False) for name in values}
    assert judge(claim, estimated(told, values), scale="small").verdict == verdict


@pytest.mark.parametrize("enough", [0, 4])
def test_a_number_that_is_enough_of_none_or_of_too_few_is_refused(enough: int, tmp_path: Path) -> None:
    text = (folder_of("you2019/transfer") / "claim.toml").read_text().replace("enough = 2", f"enough = {enough}")
    (tmp_path / "claim.toml").write_text(text)
    with pytest.raises(InputError, match="from 1 to the 3"):
        read(tmp_path / "claim.toml")


@pytest.mark.parametrize(
    ("goal", "values", "state"),
    [
        ("above", LARGE, "there"),
        ("above", NOTHING, "not there"),
        ("above", tuple(v / 8 for v in LARGE), "not there"),  # real, and too small to matter
        ("below", tuple(-v for v in LARGE), "there"),
        ("below", LARGE, "not there"),
        ("within", NOTHING, "there"),
        ("within", LARGE, "not there"),
        ("within", WIDE, "cannot tell"),
        ("not below", NOTHING, "there"),
        ("not below", LARGE, "there"),
        ("not below", tuple(-v for v in LARGE), "not there"),
        ("not above", LARGE, "not there"),
        ("not above", NOTHING, "there"),
    ],
)
def test_each_goal_says_what_is_there(goal: str, values: tuple[float, ...], state: str) -> None:
    made = estimated({"s": Statistic("s", "s", 0.05, goal)}, {"s": values})["s"]
    assert made.state == state


def test_an_exact_statistic_has_one_value_and_no_interval_to_speak_of() -> None:
    made = estimated({"s": Statistic("s", "s", 0.5, exact=True)}, {"s": (0.65,)})["s"]
    assert (made.state, made.interval, made.p_holm) == ("there", (0.65, 0.65), None)


def test_a_value_that_was_not_reached_is_left_out_and_too_few_say_nothing() -> None:
    statistics = {"s": Statistic("s", "s", 0.05)}
    some = estimated(statistics, {"s": (None, 0.11, 0.12, 0.10, 0.11)})["s"]
    assert some.state == "there"
    assert len(some.reached) == 4
    assert estimated(statistics, {"s": (None, None, 0.12, None, 0.11)})["s"].state == "cannot tell"


def test_an_interval_leaves_nothing_out_exactly_where_holm_refuses_it() -> None:
    rng = np.random.default_rng(3)
    for _ in range(300):
        statistics = {str(i): Statistic(str(i), "", 0.05) for i in range(4)}
        values = {str(i): tuple(rng.normal(rng.uniform(0, 0.1), 0.05, size=5)) for i in range(4)}
        for e in estimated(statistics, values).values():
            assert e.p_holm is not None
            assert (e.interval[0] > 0 or e.interval[1] < 0) == (e.p_holm < 0.05)


def test_of_experiments_without_an_effect_at_most_one_in_twenty_claims_one() -> None:
    rng = np.random.default_rng(7)
    statistics = {name: Statistic(name, "", 1e-6) for name in "abc"}
    false = 0
    for _ in range(600):
        made = estimated(statistics, {name: tuple(rng.normal(size=5)) for name in "abc"})
        false += any(e.state == "there" for e in made.values())
    assert false <= 600 * 0.05  # one-sided, so that 2.5% is expected


def test_a_rerun_lies_in_the_prediction_interval_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(2000):
        first, second = rng.normal(size=5), rng.normal(size=5)
        lo, hi = prediction(tuple(first), 5) or (0.0, 0.0)
        inside += lo <= second.mean() <= hi
    assert 0.935 <= inside / 2000 <= 0.965
