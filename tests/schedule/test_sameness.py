"""Same numbers, whatever the spelling; and where two schedules part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import bindable, horizons

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, common_prefix, constant, cosine, join, linear, same_values, step, wsd

H = Horizon(steps=100)


def test_two_spellings_of_the_same_numbers_are_unequal_values_with_the_same_rates() -> None:
    a, b = step(0.1, factor=0.5, every=100), constant(0.1)
    assert a != b
    assert same_values(a, b, H)
    assert common_prefix(a, b, H) == 100
    assert not same_values(a, b, Horizon(steps=101))


def test_schedules_share_a_prefix_up_to_the_first_update_that_differs() -> None:
    assert common_prefix(step(0.1, factor=0.5, every=30), step(0.1, factor=0.5, every=31), H) == 30
    assert common_prefix(wsd(0.1, 10, cooldown=20), wsd(0.1, 10, cooldown=40), H) == 61  # at 60 both are at the peak
    assert common_prefix(constant(0.1), constant(0.2), H) == 0
    assert common_prefix(join(constant(0.1), linear(0.1), at=[99]), constant(0.1), H) == 100
    assert not same_values(cosine(0.1), linear(0.1), H)


def test_a_difference_in_the_last_bit_is_a_difference() -> None:
    assert common_prefix(constant(0.1), constant(np.nextafter(0.1, 1)), H) == 0


@settings(max_examples=40)
@given(st.data())
def test_a_prefix_is_the_longest_on_which_the_tables_agree(data: st.DataObject) -> None:
    h = data.draw(horizons())
    one = data.draw(bindable(h, depth=1))
    k = data.draw(st.integers(1, h.steps - 1))
    other = join(one, constant(11.0), at=[k])
    try:
        a, b = one.bind(h).values(), other.bind(h).values()
    except InputError:  # the join left the first part no room
        with pytest.raises(InputError):
            common_prefix(one, other, h)
        return
    n = common_prefix(one, other, h)
    assert a[:n].tobytes() == b[:n].tobytes()
    assert n == h.steps or a[n] != b[n]
    assert n == common_prefix(other, one, h) <= h.steps
