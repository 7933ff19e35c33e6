"""The walk over what a schedule is made of."""

from __future__ import annotations

from typing import Any

from tests.bank import BANK

from lrdecay.schedule import constant, cosine, join, linear, warmup
from lrdecay.schedule.nodes import leading, mapped, parts_of


def test_the_parts_of_a_node_are_what_it_holds_in_order() -> None:
    a, b = constant(0.1, over=5), cosine(0.1)
    assert parts_of(cosine(0.1)) == ()
    assert parts_of(warmup(3) + a + b) == (warmup(3), a, b)
    assert parts_of(0.5 * a) == parts_of(a * b)[:1] == (a,)


def test_the_first_part_leads_where_the_others_are_factors() -> None:
    a, b = constant(0.1), cosine(0.1)
    assert leading(a * b) == leading(join(a, b, at=[5], carry=True)) == (a,)
    assert leading(join(a, b, at=[5])) == (a, b)


def test_where_nothing_changes_the_node_itself_comes_back() -> None:
    for _, s in BANK:
        assert mapped(s, lambda node, a, value: value) is s


def test_a_change_reaches_every_value_or_those_that_lead() -> None:
    def doubled(node: Any, a: Any, value: Any) -> Any:
        return 2 * value if a.name == "peak" else value

    same = cosine(0.1)
    assert mapped(same * same, doubled) == cosine(0.2) * cosine(0.2)
    assert mapped(same * same, doubled, led=True) == cosine(0.2) * cosine(0.1)
    carried = join(same, linear(0.1), at=[5], carry=True, over=9)
    assert mapped(carried, doubled) == join(cosine(0.2), linear(0.2), at=[5], carry=True, over=9)
    assert mapped(carried, doubled, led=True) == join(cosine(0.2), linear(0.1), at=[5], carry=True, over=9)
