"""Which records of a node may be used again, whatever the tree was cut into when it was trained."""

from __future__ import annotations

import pytest

from lrdecay.sweep.assembly import fits
from lrdecay.sweep.tree import Node

RECORD = {"kind": "task", "start": 10, "marks": [20, 30], "diverged": None, "digest": "d"}


def node(start=10, marks=(20, 30), ends=(0,)) -> Node:
    return Node("k", -1, start, 30, 0, marks, ends, (), 1, 0, 1)


@pytest.mark.parametrize(
    ("wanted", "record", "fit"),
    [
        (node(), RECORD, True),
        (node(start=15, marks=(30,)), RECORD, True),  # it says more than is asked
        (node(start=5), RECORD, False),
        (node(marks=(25, 30)), RECORD, False),  # nobody looked after update 25
        (node(), RECORD | {"digest": None}, False),
        (node(ends=()), RECORD | {"digest": None}, True),
        (node(marks=(25,)), RECORD | {"diverged": {"step": 12}, "digest": None}, True),
        (node(marks=(25,)), {"kind": "script", "start": 10, "diverged": None}, True),  # evaluates as it likes
    ],
)
def test_a_record_fits_where_it_says_all_that_is_asked(wanted, record, fit) -> None:
    assert fits(wanted, record) == fit
