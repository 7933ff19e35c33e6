"""The table of predictions beside what came."""

from __future__ import annotations

import io
import math

from rich.console import Console

from lrdecay.report.foretold import forecast_lines, forecast_shown
from lrdecay.sweep.foretold import Forecasted, Foretold

RUNS = (
    Foretold("a", 0, "by law", "loss", 1.0, 1.5, 0.8, 1.2),
    Foretold("a", 1, "by law", "loss", 2.0, 1.9, 1.5, 2.5),
    Foretold("[b]", 1, "by law", "loss", 3.0, math.nan, 2.5, 3.5),
    Foretold("a", 2, "from other seeds", "score", 4.0, 4.25),
)


def test_a_line_is_the_mean_over_seeds_of_what_one_predictor_said_of_a_schedule() -> None:
    found = {(line.schedule, line.cells[0]): line.cells[2:] for line in forecast_lines(Forecasted((), RUNS, 1, 0.1))}

    assert found["a", "by law"] == ("0, 1", "1.5", "1.7", "-0.2", "1 of 2")
    assert found["[b]", "by law"] == ("1 diverged", "3", "–", "–", "–")
    assert found["a", "from other seeds"] == ("2", "4", "4.25", "-0.25", "–")


def test_a_terminal_shows_what_was_said_and_a_schedule_with_brackets_as_it_was_written() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100)
    console.print(forecast_shown(Forecasted(("Seed 0: so.",), RUNS, 1, 0.1)))
    console.print(forecast_shown(Forecasted(("Nothing.",), (), 0, 0.0)))

    assert "forecast: Seed 0: so." in out.getvalue()
    assert "[b]" in out.getvalue()
    assert "forecast: Nothing." in out.getvalue()
