"""What a forecast said beside what came: errors, intervals, and words."""

from __future__ import annotations

import json
import math

from lrdecay.sweep.foretold import CHANGED_NOTHING, Forecasted, Foretold

RUNS = (
    Foretold("a", 0, "by law", "loss", 1.0, 1.5, 0.8, 1.2),
    Foretold("b", 0, "by law", "loss", 2.0, 1.9, 1.5, 2.5),
    Foretold("a", 1, "from other seeds", "accuracy", 0.9, 0.8),
    Foretold("b", 1, "from other seeds", "accuracy", 0.9, math.nan),
)


def test_the_mean_and_the_largest_error_are_said_for_each_that_predicted_and_diverged_runs_count_for_none() -> None:
    said = Forecasted(("Seed 0: x.",), RUNS, 2, 1.26).sentences()

    assert said == (
        "Seed 0: x.",
        "Predicted by law, the loss of 2 runs was off by 0.3 in the mean and 0.5 at most; "
        "its 90% interval held 1 of 2.",
        "Predicted from other seeds, the accuracy of 1 run was off by 0.1.",
        "2 fits of the law took 1.3 s.",
        CHANGED_NOTHING,
    )


def test_json_holds_every_run_with_its_error_and_null_where_there_is_none() -> None:
    data = json.loads(json.dumps(Forecasted((), RUNS, 0, 0.0).to_json(), allow_nan=False))

    assert data["fits"] == 0
    assert data["runs"][0] == {
        "schedule": "a",
        "seed": 0,
        "by": "by law",
        "of": "loss",
        "predicted": 1.0,
        "interval": [0.8, 1.2],
        "observed": 1.5,
        "error": -0.5,
    }
    assert (data["runs"][3]["interval"], data["runs"][3]["observed"], data["runs"][3]["error"]) == (None, None, None)
