"""Values made by `value` are what attrs' own frozen classes are: frozen, equal by content, hashable, readable."""

from __future__ import annotations

import copy

import attrs
import pytest

from lrdecay.schedule import cosine, linear
from lrdecay.schedule.places import Hold, Scale
from lrdecay.schedule.segments import HoldSegment, ScaleSegment


def test_they_are_equal_by_class_and_content_and_hash_alike() -> None:
    assert Scale(Hold(0.1), 2.0) == Scale(Hold(0.1), 2.0)
    assert hash(Scale(Hold(0.1), 2.0)) == hash(Scale(Hold(0.1), 2.0))
    assert len({Hold(0.1), Hold(0.2), Hold(0.1), HoldSegment(0.1)}) == 3
    assert Hold(0.1) != HoldSegment(0.1)
    assert Hold(0.1) != 0.1
    assert cosine(0.1) != linear(0.1)
    assert ScaleSegment(HoldSegment(1.0), 2.0) != ScaleSegment(HoldSegment(1.0), 3.0)


def test_they_are_frozen_and_can_be_copied_and_evolved() -> None:
    held = Hold(0.1)
    for change in (lambda: setattr(held, "value", 0.2), lambda: delattr(held, "value")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            change()
    assert copy.deepcopy(Scale(held, 2.0)) == Scale(held, 2.0)
    assert attrs.evolve(held, value=0.2) == Hold(0.2)


def test_they_show_their_fields() -> None:
    assert repr(Scale(Hold(0.1), 2.0)) == "Scale(inner=Hold(value=0.1), factor=2.0)"
    assert repr(cosine(0.1, floor=0.01)) == "cosine(0.1, floor=0.01)"
