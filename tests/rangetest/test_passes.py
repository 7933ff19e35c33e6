"""Data for a range test: begun again when they run dry, in the order of a seed, and once more since a mark."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.rangetest.passes import Batches, Recorded, Samples


def taken(source: object, count: int) -> list[object]:
    return [source.next() for _ in range(count)]  # type: ignore[attr-defined]


def test_a_list_is_begun_again_when_it_runs_dry_and_that_is_said() -> None:
    source = Batches([1, 2, 3], "find(loader=...)", convert=lambda batch: batch * 10)
    source.begin(0)
    assert taken(source, 7) == [10, 20, 30, 10, 20, 30, 10]
    assert source.notes(2) == [
        "the loader does not shuffle: repeats differ only in what the model draws",
        "the loader ran dry after 3 batches, and was begun again 2 times",
    ]
    source.begin(1)
    assert taken(source, 1) == [10]


def test_samples_are_shuffled_by_the_seed_and_none_is_left_out_of_a_pass() -> None:
    source = Samples(10, 4, lambda indices: indices.tolist())
    source.begin(3)
    first = taken(source, 5)
    assert sorted(i for batch in first for i in batch) == sorted([*range(10)] * 2)
    source.begin(3)
    assert taken(source, 5) == first
    source.begin(4)
    assert taken(source, 5) != first
    assert source.notes(1) == ["a repeat went through the 10 samples 2 times"]
    assert source.generators() == []


def test_a_batch_larger_than_the_data_is_all_of_them() -> None:
    source = Samples(3, 100, np.sort)
    source.begin(0)
    assert source.next().tolist() == [0, 1, 2]


def test_the_batches_since_a_mark_come_once_more() -> None:
    source = Recorded(Batches(range(9), "find(loader=...)"))
    source.begin(0)
    source.next()
    source.mark()
    assert taken(source, 2) == [1, 2]
    source.rewind()
    assert taken(source, 3) == [1, 2, 3]
    source.rewind()
    assert taken(source, 3) == [1, 2, 3]
    source.begin(0)
    assert taken(source, 2) == [0, 1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: Batches(iter([1]), "find(x=...)", "Give a list."),
            r"`find\(x=...\)` must be iterable ag.*Give a l",
        ),
        (lambda: Batches(3, "find(x=...)"), r"must be iterable again and again, got 'int'"),
        (lambda: Batches([], "find(x=...)").next(), r"`find\(x=...\)` must give at least one batch, got 'none'"),
        (lambda: Samples(5, 0, list), r"`find\(batch_size=...\)` must be a positive integer, got 0"),
        (lambda: Samples(0, 1, list), "must be given at least one sample, got 0"),
    ],
)
def test_what_gives_no_batches_is_refused(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()  # type: ignore[operator]
