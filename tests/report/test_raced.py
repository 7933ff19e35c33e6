"""A race in words, table, page and figures: what was dropped is never shown as a rival or a winner."""

from __future__ import annotations

import io
import re

import pytest
from attrs import evolve
from rich.console import Console

from lrdecay.report.curve_figures import difference_figure, heldout_figure
from lrdecay.report.digits import digits_of
from lrdecay.report.html import study_html
from lrdecay.report.run_figures import loss_figure
from lrdecay.report.score_figures import results_figure
from lrdecay.report.tables import study_table
from lrdecay.report.verdict import sentences, verdict
from lrdecay.sweep.racing import Dropped, Raced, RaceRule
from lrdecay.sweep.study import Study, Table, rank

GONE = "constant(peak)"
RATE = "The best schedule is dropped with a chance of at most 5%."


def raced(study: Study, alpha: float = 0.05, keep: tuple[str, ...] = (), after: int = 3) -> Study:
    """The study as a race would have left it that dropped all but ``keep`` after so many of its seeds."""
    first = study.main.rows[0].written
    names = [row.written for row in study.main.rows]
    dropped = {
        name: Dropped(after, first, 1e-4) for name in names if name not in (keep or [n for n in names if n != GONE])
    }
    made = after if len(dropped) == len(names) - 1 else len(study.seeds)
    race = Raced(RaceRule(alpha), len(study.seeds), made, len(names), dropped)

    def left(table: Table, of_it: Raced | None) -> Table:
        rows = [
            evolve(r, results=r.results[: after if r.written in dropped else made], dropped=dropped.get(r.written))
            for r in table.rows
        ]
        return rank(table.title, rows, study.goal, of_it)

    shared = None if study.shared is None else left(study.shared, None)
    return evolve(study, main=left(study.main, race), shared=shared, raced=race, seeds=study.seeds[:made])


@pytest.fixture(scope="module")
def race(study: Study) -> Study:
    """Six schedules, one of them dropped after 3 of 5 seeds."""
    return raced(study)


def printed(study: Study, width: int = 110) -> str:
    console = Console(file=io.StringIO(), width=width, legacy_windows=False)
    console.print(study_table(study))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_the_verdict_says_who_was_dropped_how_often_it_errs_and_what_it_takes_as_given(race: Study) -> None:
    words = verdict(race)
    first = race.main.rows[0].written
    assert f"Raced, with a look after 3 and 4 of 5 seeds: dropped {GONE} after 3 seeds, beaten by " in words
    assert RATE in words
    assert "All else is said of the 5 left, on the seeds they share, taking it as given that these were left" in words
    assert words.count(GONE) == 1
    assert f"{first} at peak" in words
    assert "of the 4 others" in words or "None of the 4 others" in words
    assert re.search(r"At one shared peak, [\d.]+, of those left, ", words)


def test_a_race_that_dropped_nobody_says_so_and_takes_nothing_as_given(study: Study) -> None:
    race = raced(study, keep=tuple(row.written for row in study.main.rows))
    words = verdict(race)
    assert "Raced, with a look after 3 and 4 of 5 seeds: none was dropped." in words
    assert RATE in words
    assert "taking it as given" not in words
    kept = [s for s in sentences(race) if not s.startswith(("Raced", RATE))]
    assert kept == list(sentences(study))


def test_the_only_one_left_is_the_winner_by_the_race_alone(study: Study) -> None:
    best = study.main.rows[0].written
    race = raced(study, keep=(best,))
    words = verdict(race)
    assert race.main.winner == race.main.rows[0].spec
    assert words.startswith(f"{best} at peak ")
    assert "is best on quadratic, with these 3 seeds: mean accuracy" in words
    assert "Of 6 it alone was left in the race. The nearest dropped, " in words
    assert f"{RATE} The race ended after 3 seeds, with one left." in words
    assert "shared peak" not in words
    assert "Holm" not in words
    assert "winner" in printed(race)


def test_a_race_that_errs_more_often_only_screens(study: Study) -> None:
    best = study.main.rows[0].written
    for keep in ((best,), (best, study.main.rows[1].written)):
        race = raced(study, alpha=0.2, keep=keep)
        words = verdict(race)
        assert race.main.winner is None
        assert words.startswith("No winner on quadratic, with these ")
        assert "a race that may drop the best with a chance of 20% names none." in words
        assert f"of the {len(keep)} left." in words
        assert "at most 20%." in words


def test_dropped_rows_stand_last_with_their_seeds_in_place_of_p(race: Study) -> None:
    text = printed(race)
    lines = [line for line in text.split("\n") if "(peak" in line]
    assert lines[5].startswith(GONE)
    assert lines[5].split()[-2:] == ["seeds", "–"]
    assert "3 seeds" in lines[5]
    assert "Where p would stand, a number of seeds: the race dropped it then." in text
    assert "the race dropped it" not in printed(evolve(race, raced=None))


def test_the_page_says_it_all_and_shows_no_run_that_was_not_made(race: Study) -> None:
    page = " ".join(study_html(race, race.to_json()).split())
    assert page.count(RATE) >= 2
    assert "are over those seeds, and tend to look too far behind" in page
    assert "hold for the 5 left" in page
    row = race.main.rows[-1]
    digits = digits_of(race)
    cells = "".join(f"<td>{digits(v)}</td>" for v in row.values)
    assert len(row.values) == 3
    assert f"{cells}<td>dropped</td><td>dropped</td></tr>" in page
    assert "seeds, raced, judged by" in page


def test_the_figures_are_drawn_over_the_seeds_there_are(race: Study) -> None:
    scores = results_figure(race, race.main)
    words = [text.get_text().replace("\n", " ") for text in scores.axes[0].texts]
    assert f"{GONE} (dropped, 3 seeds)" in words
    assert sum("dropped" in text for text in words) == 1
    dots = [line.get_xdata() for line in scores.axes[0].lines if line.get_linestyle() == "None"]
    assert sorted(len(x) for x in dots if len(x) > 1) == [3, 5, 5, 5, 5, 5]
    for figure in (difference_figure(race), heldout_figure(race), loss_figure(race)):
        assert figure is not None
