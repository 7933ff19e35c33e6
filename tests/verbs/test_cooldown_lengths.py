"""Where cooldowns start and end: numbers worked out by hand."""

from __future__ import annotations

import pytest

from lrdecay.errors import InputError
from lrdecay.verbs.cooldown_lengths import lengths_of, matching_total, matching_trunk, shapes_of

THREE = lengths_of("5%,10%,20%")


def spans(stretches):
    return [(s.start, s.end, s.updates) for s in stretches]


def test_matching_the_trunk_each_length_has_its_own_end():
    # 900/0.95 = 947.37, 900/0.9 = 1000, 900/0.8 = 1125
    assert spans(matching_trunk(900, THREE)) == [(900, 947, 47), (900, 1000, 100), (900, 1125, 225)]
    # 7/0.8 = 8.75; 3/0.4 = 7.5 is rounded up
    assert spans(matching_trunk(7, lengths_of("20%"))) == [(7, 9, 2)]
    assert spans(matching_trunk(3, lengths_of("60%"))) == [(3, 8, 5)]


def test_matching_the_total_all_end_where_the_longest_does_that_starts_at_once():
    # T = 900/0.8 = 1125; 1125·0.95 = 1068.75; 1125·0.9 = 1012.5 is rounded up
    assert spans(matching_total(900, THREE)) == [(1069, 1125, 56), (1013, 1125, 112), (900, 1125, 225)]


def test_matching_a_stated_total():
    # 2000·0.95 = 1900, 2000·0.9 = 1800, 2000·0.8 = 1600
    assert spans(matching_total(900, THREE, 2000)) == [(1900, 2000, 100), (1800, 2000, 200), (1600, 2000, 400)]


@pytest.mark.parametrize("length", ["1%", "12.5%", "30%", "33.3%", "50%", "77%", "99%"])
def test_the_longest_starts_at_the_step_whatever_is_rounded(length):
    for step in range(100, 300, 7):
        (longest,) = matching_total(step, lengths_of(length))
        (own,) = matching_trunk(step, lengths_of(length))
        assert (longest.start, longest.end) == (step, own.end)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("0%", r"`--lengths` must lie between 0% and 100%, got '0%'"),
        ("100%", r"between 0% and 100%, got '100%'"),
        ("-5%", r"got '-5%'"),
        ("0.1", r"got '0.1'"),
        ("nan%", r"got 'nan%'"),
        ("10%,10.0%", r"must name each length once, got '10.0%'"),
        ("", r"must name at least one"),
    ],
)
def test_a_length_that_is_none_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        lengths_of(given)


def test_shapes_are_those_of_wsd():
    assert shapes_of(" linear, 1-sqrt") == ("linear", "1-sqrt")
    with pytest.raises(InputError, match=r"got 'liner'. Did you mean `linear`\?"):
        shapes_of("liner")
    with pytest.raises(InputError, match="each shape once"):
        shapes_of(["linear", "linear"])
    with pytest.raises(InputError, match="at least one"):
        shapes_of([])


def test_a_total_that_leaves_no_room_is_refused():
    with pytest.raises(InputError, match="`--total` must be more than the checkpoint's step, 900, got 900"):
        matching_total(900, THREE, 900)
    with pytest.raises(InputError, match=r"must start at the checkpoint's step, 900, or later, got '20%'.*step 800"):
        matching_total(900, THREE, 1000)
    with pytest.raises(InputError, match="must be at least one update of 900"):
        matching_trunk(900, lengths_of("0.01%"))
