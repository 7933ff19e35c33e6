"""What a study tells a script survives the environment, word for word."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.runs.protocol import Orders, encode, variables

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
paths = st.none() | words.map(Path)
numbers = st.none() | st.integers(0, 2**70)
orders = st.builds(
    Orders,
    events=paths,
    spec=st.none() | words,
    rates=paths,
    steps=numbers,
    seed=numbers,
    load=paths,
    stop=numbers,
    save=paths,
    probe=st.booleans(),
)


@given(orders)
def test_orders_come_through_the_environment_as_they_went_in(given_orders: Orders) -> None:
    told = variables(given_orders)
    assert all(name.startswith("LRDECAY_") for name in told)
    assert Orders.read(told) == given_orders
    assert Orders.read({"HOME": "/", "PATH": "/bin", **told}) == given_orders


def test_no_orders_are_no_variables_and_an_empty_environment_is_no_orders() -> None:
    assert variables(Orders()) == {}
    assert Orders.read({}) == Orders()
    assert (
        Orders.read(
            dict.fromkeys(variables(Orders(Path("e"), "s", Path("r"), 1, 2, Path("l"), 3, Path("s"), True)), "")
        )
        == Orders()
    )


@pytest.mark.parametrize("name", ["LRDECAY_STEPS", "LRDECAY_SEED", "LRDECAY_STOP"])
@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "1e3", " 1", "0x10", "²", "1_000"])
def test_a_number_that_is_none_is_refused_by_the_name_of_its_variable(name: str, text: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` must be an integer >= 0, got '{text}'"):
        Orders.read({name: text})


@given(st.floats())
def test_a_number_on_the_wire_is_json_and_reads_back_with_its_bits(value: float) -> None:
    back = float(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert back.hex() == value.hex() or (math.isnan(back) and math.isnan(value))
