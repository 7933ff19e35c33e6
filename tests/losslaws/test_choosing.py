"""A law is chosen by curves that it was not shown, and what that choice is worth by curves that it did not see."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.losslaws.choosing import Candidate, Choice
from lrdecay.losslaws.heldout import Fold


def choice(*errors):
    """Of laws, each with errors on whole curves."""
    made = tuple(
        Candidate(None, (Fold("0", False, 9.0), *(Fold(str(k), True, e) for k, e in enumerate(of)))) for of in errors
    )
    return Choice(made, made[0])


def test_what_a_choice_is_off_is_found_on_curves_that_did_not_choose():
    lucky = choice((0.01, 0.01, 0.01), (0.03, 0.03, 0.0))

    # without a curve of the first two the first law is chosen; without the third too
    assert lucky.elsewhere == pytest.approx(0.01)

    # each law is right on all curves but one: whichever is held out, the others choose the law that is off on it
    traps = choice((0.05, 0.0, 0.0), (0.0, 0.05, 0.0), (0.0, 0.0, 0.05))
    best = min(np.sqrt(np.mean([f.error**2 for f in c.folds if f.whole])) for c in traps.candidates)
    assert traps.elsewhere == pytest.approx(0.05)
    assert traps.elsewhere > best


def test_one_law_is_off_what_it_is_off():
    one = choice((0.01, 0.02, 0.03))
    assert one.elsewhere == one.candidates[0].elsewhere


def test_without_whole_curves_nothing_is_known():
    assert choice((), ()).elsewhere == float("inf")
