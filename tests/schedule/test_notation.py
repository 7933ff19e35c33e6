"""The notation: equal to the Python call and to ``repr``; nothing else is read, and nothing is ever run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.bank import BANK, spelled

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Schedule,
    clamp,
    cosine,
    duration,
    from_json,
    join,
    linear,
    multi_step,
    parse,
    peak,
    step,
    warmup,
    wsd,
)
from lrdecay.schedule.notation import Spec, parse_spec

TEXTS = [repr(s) for _, s in BANK]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cosine(0.1)", cosine(0.1)),
        ("  cosine( peak = 1e-1 ,floor=1E-3 )  ", cosine(0.1, floor=0.001)),
        ("cosine(1)", cosine(1.0)),
        ('step(0.1, factor=0.5, every="10ep")', step(0.1, factor=0.5, every="10ep")),
        ("step(0.1, 0.5, '10 EP')", step(0.1, 0.5, "10ep")),
        ("step(every=10, factor=.5, peak=peak)", step(peak, factor=0.5, every=10)),
        ("warmup(500) + cosine(peak, floor=0.001)", warmup(500) + cosine(peak, floor=0.001)),
        ("multi_step(0.1, 0.2, at=(5, '50%'))", multi_step(0.1, 0.2, at=[5, "50%"])),
        ('multi_step(0.1, 0.2, ["60ep"],)', multi_step(0.1, 0.2, at=["60ep"])),
        ("0.5 * cosine(0.1)", 0.5 * cosine(0.1)),
        ("cosine(0.1) * 2", 2 * cosine(0.1)),
        ("warmup(5) + 0.5 * cosine(0.1)", warmup(5) + 0.5 * cosine(0.1)),
        ("0.5 * (warmup(5) + cosine(0.1))", 0.5 * (warmup(5) + cosine(0.1))),
        ("join(cosine(0.1), linear(0.2), at=[1_000])", join(cosine(0.1), linear(0.2), at=[1000])),
        ("clamp(cosine(0.1), high=0.05)", clamp(cosine(0.1), high=0.05)),
        ('wsd(3e-4, warmup="2%", cooldown="20%", shape="1-sqrt")', wsd(3e-4, "2%", "20%", shape="1-sqrt")),
        ("cosine(0.1,\n       over='5ep')", cosine(0.1, over="5ep")),
        ("cosine(0.1)  # a comment", cosine(0.1)),
    ],
)
def test_the_text_is_the_python_call(text: str, value: Schedule) -> None:
    assert parse(text) == value
    assert parse(repr(value)) == value


def test_repr_leaves_out_defaults_and_keeps_every_digit() -> None:
    assert repr(cosine(0.1, floor=0.0)) == "cosine(0.1)"
    assert repr(cosine(0.1 + 0.2)) == "cosine(0.30000000000000004)"
    assert repr(wsd(0.1, "2%", 20)) == 'wsd(0.1, warmup="2%", cooldown=20)'
    assert repr(multi_step(peak, 0.5, ["1ep", 30])) == 'multi_step(peak, factor=0.5, at=["1ep", 30])'
    assert (
        repr(join(cosine(0.1), linear(0.2), at=[5], over="9%")) == 'join(cosine(0.1), linear(0.2), at=[5], over="9%")'
    )
    assert repr(step(5e-324, factor=1, every=10**18)) == "step(5e-324, factor=1.0, every=1000000000000000000)"


def test_json_names_the_family_and_what_was_given() -> None:
    s = warmup("2%") + clamp(multi_step(peak, factor=0.5, at=[5, "9ep"]), low=0.1)
    assert s.to_json() == {
        "type": "then",
        "parts": [
            {"type": "warmup", "over": "2%"},
            {
                "type": "clamp",
                "schedule": {"type": "multi_step", "peak": "peak", "factor": 0.5, "at": [5, "9ep"]},
                "low": 0.1,
            },
        ],
    }
    assert from_json({"type": "cosine", "peak": 1, "floor": 0, "over": None}) == cosine(1)


# What a person gets wrong, and what is said.
MISTAKES = [
    ("cosin(0.1)", "`cosin(...)` must be a known schedule, got 'cosin'. Did you mean `cosine`?"),
    ("stepp(0.1)", "`stepp(...)` must be a known schedule, got 'stepp'. Did you mean `step`?"),
    (
        "qqq(0.1)",
        "`qqq(...)` must be a known schedule, got 'qqq'. Known: clamp, constant, cosine, damped, exponential, flat",
    ),
    ("then(cosine(0.1))", "`then(...)` must be a known schedule"),
    ("cosine", "`cosine` must be called with its arguments, got 'cosine'. Write cosine(peak, floor, over)."),
    ("cosine(0.1, flor=0)", "`cosine(flor=...)` must be a known argument, got 'flor'. Did you mean `floor`?"),
    (
        "step(0.1, gamma=0.5, every=5)",
        "`step(gamma=...)` must be a known argument, got 'gamma'. Known: every, factor, o",
    ),
    ("step(0.1, factor=0.5)", "`step(every=...)` must be given. It is step(peak, factor, every, over)."),
    ("cosine()", "`cosine(peak=...)` must be given. It is cosine(peak, floor, over)."),
    ("join(cosine(0.1), linear(0.1))", "`join(at=...)` must be given where a part has no end of its own, got cosine"),
    ("join(cosine(0.1), linear(0.1), on=[5])", "`join(on=...)` must be a known argument, got 'on'. Known: at, carry"),
    ("cosine(0.1, peak=0.2)", "`cosine(peak=...)` must be given once, got 0.2."),
    ("cosine(peak=0.1, peak=0.2)", "`cosine(peak=...)` must be given once, got 'cosine(peak=0.1, peak=0.2)'."),
    ("cosine(0.1, 0, 5, 6)", "`cosine(...)` must have at most 3 arguments, got 4."),
    ("constant(-0.1)", "`constant(peak=...)` must be a positive number, got -0.1."),
    ("step(0.1, factor=0.5, every=0)", "`step(every=...)` must be a positive duration, got 0."),
    ("step(0.1, factor=0.5, every=-5)", "`step(every=...)` must be a positive duration, got -5."),
    ("step(0.1, factor=0.5, every=2.5)", "`step(every=...)` must be a positive duration, got 2.5."),
    (
        "multi_step(0.1, factor=0.5, at=[60, 30])",
        "`multi_step(at=...)` must be in strictly rising order, got [60, 30].",
    ),
    ("cosine(0.1, floor=0.2)", "`cosine(floor=...)` must be at most the peak, 0.1, got 0.2."),
    ("cosine(0.1) + linear(0.1)", "`cosine(0.1) + ...` must have an end before something can follow"),
    ("warmup(5)", "`parse(...)` must end in a schedule, got 'warmup(5)'. Write warmup(500) + cosine(0.1)."),
    ("warmup(5) + warmup(6)", "`warmup(...)` must be followed by a schedule, got warmup(5) + warmup(6)."),
    ("clamp(warmup(5) + warmup(6))", "`warmup(...)` must be followed by a schedule"),
    ("constant(0.1, over=5) + warmup(6)", "`warmup(...)` must be followed by a schedule"),
    ("scale(cosine(0.1), -1)", "`scale(factor=...)` must be a number >= 0, got -1.0."),
    ("", "`parse(...)` must be given one schedule, got ''."),
    ("0.1", "`parse(...)` must be given a schedule, got '0.1'."),
    ("peak", "`parse(...)` must be given a schedule, got 'peak'."),
    ("'cosine(0.1)'", "`parse(...)` must be given a schedule"),
    ("cosine(0.1", "`parse(...)` must be given a schedule (at character 7), got 'cosine(0.1'."),
    ("cosine(0.1); cosine(0.2)", "`parse(...)` must be given one schedule"),
    ("s = cosine(0.1)", "`parse(...)` must be given one schedule"),
    ("cosine(0.1) - 0.5", "`parse(...)` must be given the notation of a schedule, got 'cosine(0.1) - 0.5'."),
    ("cosine(0.1) + 0.5", "`parse(...)` must be given the notation of a schedule, got 'cosine(0.1) + 0.5'."),
    ("cosine(2 * 0.1)", "`parse(...)` must be given the notation of a schedule, got '2 * 0.1'."),
    ("cosine(0.1, over=None)", "`parse(...)` must be given the notation of a schedule, got 'None'."),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_a_mistake_is_answered_in_one_line_that_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


HOSTILE: dict[str, str] = {
    "import": "__import__('os').system('touch /nothing')",
    "lambda": "(lambda: cosine(0.1))()",
    "comprehension": "[cosine(x) for x in (1, 2)]",
    "generator": "join(*(cosine(x) for x in (1, 2)), at=[5])",
    "starred": "join(*[cosine(0.1), linear(0.1)], at=[5])",
    "unpacked": "cosine(**{'peak': 0.1})",
    "f-string": "f'{cosine(0.1)}'",
    "f-string argument": "cosine(0.1, over=f'{5}ep')",
    "attribute": "cosine(0.1).__class__.__mro__",
    "method": "cosine(0.1).bind(5)",
    "subscript": "[cosine(0.1)][0]",
    "walrus": "(a := cosine(0.1))",
    "conditional": "cosine(0.1) if 1 else linear(0.1)",
    "comparison": "cosine(0.1) == cosine(0.1)",
    "boolean": "cosine(0.1) or linear(0.1)",
    "await": "await cosine(0.1)",
    "dictionary": "{'type': 'cosine'}",
    "set": "multi_step(0.1, 0.5, at={5, 6})",
    "bytes": "cosine(0.1, over=b'5ep')",
    "imaginary": "cosine(0.1j)",
    "ellipsis": "cosine(...)",
    "power": "constant(9**9**9**9)",
    "shift": "constant(1 << 10**9)",
    "decorated": "@cosine\ndef f(): pass",
    "dunder": "cosine(__debug__)",
    "dunder argument": "cosine(0.1, __class__=1)",
    "self": "cosine(0.1, self=1)",
    "registry": "FAMILIES['cosine'](0.1)",
    "truth as rate": "constant(True)",
    "negative truth": "constant(-True)",
    "text as rate": "constant('0.1')",
    "not a number": "constant(nan)",
    "infinite": "constant(1e999)",
    "infinite integer": "constant(1" + "0" * 400 + ")",
    "too many digits": "constant(" + "9" * 5000 + ")",
    "too many hex digits": "constant(0x" + "f" * 5000 + ")",
    "negative huge": "constant(-0x" + "f" * 5000 + ")",
    "infinite milestones": "multi_step(0.1, 0.5, at=[1e999])",
    "huge duration": "warmup(1" + "0" * 400 + ") + cosine(0.1)",
    "huge exponent": "cosine(0.1, over='1e999ep')",
    "tiny exponent": "exponential(0.1, 0.5, every='1e-999ep')",
    "null byte": "cosine(0.1)\0",
    "null in text": "cosine(0.1, over='5\\0ep')",
    "surrogate": "cosine(0.1) + \ud800",
    "long s": "cosine(0.1, over='5ſamples')",
    "line separator": "cosine(0.1,\u2028)",
    "indent": "cosine(0.1)\n  linear(0.1)",
    "called text, which Python warns of": "'cosine'(0.1)",
    "escape, which Python warns of": "cosine(0.1, over='\\d5ep')",
    "number run into a word, which Python warns of": "0.1if 1else 2",
    "tabs": "\tcosine(\n\t\t0.1",
    "continuation": "cosine(0.1) \\",
    "form feed": "cosine(0.1)\x0c(",
    "deep brackets": "(" * 10_000,
    "closed brackets": "(" * 5_000 + ")" * 5_000,
    "deep lists": "cosine(" + "[" * 4_000 + "]" * 4_000 + ")",
    "deep calls": "scale(" * 1_600,
    "deep closed calls": "scale(" * 60 + "cosine(0.1)" + ", 1)" * 60,
    "long product": "cosine(0.1)" + "*.5" * 3_000,
    "long sum of parts": "warmup(1)+" * 990 + "cosine(1)",
    "long sum of numbers": "1" + "+1" * 4_900,
    "deep attributes": "a" + ".b" * 4_900,
    "deep negation": "-" * 9_900 + "1",
    "deep not": "not " * 2_400 + "1",
    "deep lambda": "lambda:" * 1_400 + "1",
    "too long": "cosine(0.1)" + " " * 10_000 + "#",
    "megabytes": "(" * 10_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused_in_one_line_and_nothing_is_run(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert str(caught.value).startswith("`")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    with pytest.raises(InputError):
        parse_spec(text)


@pytest.mark.parametrize("given", [None, 5, b"cosine(0.1)", ["cosine(0.1)"], cosine(0.1)], ids=repr)
def test_what_is_no_text_is_refused(given: Any) -> None:
    for read in (parse, parse_spec):
        with pytest.raises(InputError, match="must be given a text"):
            read(given)


HOSTILE_JSON: dict[str, Any] = {
    "nothing": None,
    "a number": 0.1,
    "a text": "cosine(0.1)",
    "an empty object": {},
    "a list": [{"type": "cosine", "peak": 0.1}],
    "no type": {"peak": 0.1},
    "unknown type": {"type": "cosin", "peak": 0.1},
    "type of a list": {"type": ["cosine"], "peak": 0.1},
    "type of a module": {"type": "__import__", "peak": "os"},
    "misspelt": {"type": "cosine", "peak": 0.1, "flor": 0},
    "number as key": {"type": "cosine", "peak": 0.1, 5: 0},
    "line as key": {"type": "cosine", "peak": 0.1, "a\nb": 0},
    "lines as type": {"type": "a\nb\x1b"},
    "missing": {"type": "step", "peak": 0.1},
    "negative": {"type": "cosine", "peak": -0.1},
    "not a number": json.loads('{"type": "cosine", "peak": NaN}'),
    "infinite": json.loads('{"type": "cosine", "peak": 1e999}'),
    "huge": json.loads('{"type": "cosine", "peak": 1' + "0" * 400 + "}"),
    "truth": {"type": "cosine", "peak": True},
    "open floor": {"type": "cosine", "peak": 0.1, "floor": "peak"},
    "schedule as peak": {"type": "cosine", "peak": {"type": "cosine", "peak": 0.1}},
    "parts of a family": {"type": "cosine", "parts": [0.1]},
    "chain without parts": {"type": "then"},
    "chain of none": {"type": "then", "parts": []},
    "chain of one": {"type": "then", "parts": [{"type": "cosine", "peak": 0.1}]},
    "chain of numbers": {"type": "then", "parts": [1, 2]},
    "chain of a text": {"type": "then", "parts": "ab"},
    "chain with more": {"type": "then", "parts": [{"type": "cosine", "peak": 0.1}] * 2, "over": 5},
    "dangling": {"type": "then", "parts": [{"type": "warmup", "over": 5}] * 2},
    "warmup alone": {"type": "warmup", "over": 5},
    "join of a number": {"type": "join", "parts": 5, "at": [5]},
    "join of nothing": {"type": "join", "parts": [], "at": []},
    "join without at": {"type": "join", "parts": [{"type": "cosine", "peak": 0.1}]},
    "at is an object": {"type": "multi_step", "peak": 0.1, "factor": 0.5, "at": {"type": "cosine", "peak": 1}},
}


@pytest.mark.parametrize("data", HOSTILE_JSON.values(), ids=HOSTILE_JSON.keys())
def test_hostile_json_is_refused_in_one_line(data: Any) -> None:
    with pytest.raises(InputError) as caught:
        from_json(data)
    assert str(caught.value).startswith("`")
    assert str(caught.value).isprintable()


def test_json_nested_too_deep_is_refused() -> None:
    data: Any = {"type": "cosine", "peak": 0.1}
    for _ in range(10_000):
        data = {"type": "scale", "schedule": data, "factor": 1}
    with pytest.raises(InputError, match="must be nested at most 50 calls deep"):
        from_json(data)
    lists: Any = 0.1
    for _ in range(10_000):
        lists = [lists]
    with pytest.raises(InputError, match="must be nested at most 50 calls deep"):
        from_json({"type": "cosine", "peak": lists})


def test_what_is_nested_as_deep_as_may_be_reads_from_both_and_binds() -> None:
    text = "clamp(" * 25 + "scale(" * 24 + "cosine(0.1)" + ", 1)" * 24 + ")" * 25
    s = parse(text)
    assert parse(repr(s)) == s
    assert from_json(json.loads(json.dumps(s.to_json()))) == s
    with pytest.raises(InputError, match="must be nested at most 50 calls deep"):
        parse(f"clamp(clamp({text}))")


@pytest.mark.parametrize("side", ["left", "right"])
def test_products_are_as_deep_as_the_scales_they_make(side: str) -> None:
    def product(n: int) -> str:
        return "cosine(0.1)" + " * 1" * n if side == "left" else "1 * (" * n + "cosine(0.1)" + ")" * n

    s = parse(product(49))
    assert repr(s) == "scale(" * 49 + "cosine(0.1)" + ", factor=1.0)" * 49
    assert parse(repr(s)) == s
    with pytest.raises(InputError, match="must be nested at most 50 calls deep"):
        parse(product(51))


MARKS = "()[]{}+-*/.,=\"'@#:; \n\t\\0159eE_%√ſ\u2028\ud800\x00" + "epaknstc"


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A valid text with some of its characters deleted, doubled, replaced, inserted, or a slice of it moved."""
    text = draw(st.one_of(st.sampled_from(TEXTS), spelled(depth=1).map(repr)))
    for _ in range(draw(st.integers(1, 4))):
        i = draw(st.integers(0, len(text)))
        j = min(len(text), i + draw(st.integers(0, 6)))
        new = draw(st.sampled_from(["", "", text[i:j] * 2, draw(st.sampled_from(MARKS)), draw(st.text(max_size=2))]))
        text = text[:i] + new + text[j:]
    return text


@settings(max_examples=400)
@given(mangled())
@example("cosine(0.1, over='5ſamples')")
@example("clamp(warmup(5) + warmup(6))")
def test_a_mangled_spec_is_read_and_round_trips_or_is_refused_in_one_line(text: str) -> None:
    try:
        s = parse(text)
    except InputError as refused:
        assert str(refused).startswith("`")  # noqa: PT017
        assert str(refused).isprintable()  # noqa: PT017
    else:
        assert parse(repr(s)) == s
        assert from_json(json.loads(json.dumps(s.to_json()))) == s


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    for read in (parse, parse_spec):
        try:
            read(text)
        except InputError as refused:
            assert str(refused).isprintable()  # noqa: PT017


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["peak", "5ep"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["peak", "floor", "parts", "at", "over", "factor", "every", "schedule", "low", "x"]), inner
        ).flatmap(
            lambda d: st.sampled_from([name for name, _ in _FAMILIES]).map(lambda name: {"type": name, **d}),
        ),
    ),
    max_leaves=12,
)
_FAMILIES = [
    (n, None) for n in ("cosine", "step", "multi_step", "then", "join", "scale", "clamp", "warmup", "wsd", "zzz")
]


@settings(max_examples=200)
@given(json_values)
def test_any_json_at_all_is_read_and_round_trips_or_is_refused(data: Any) -> None:
    try:
        s = from_json(data)
    except InputError as refused:
        assert str(refused).isprintable()  # noqa: PT017
    else:
        assert parse(repr(s)) == s


@pytest.mark.parametrize(
    ("text", "schedule", "horizon"),
    [
        ("cosine(0.1)", cosine(0.1), None),
        ("cosine(0.1) @ 60ep", cosine(0.1), "60ep"),
        ("cosine(0.1)@500", cosine(0.1), 500),
        ("warmup(5) + cosine(0.1, over='5ep') @ 2e9tok", warmup(5) + cosine(0.1, over="5ep"), "2e9tok"),
    ],
)
def test_a_spec_may_carry_its_own_horizon_and_reads_back(text: str, schedule: Schedule, horizon: Any) -> None:
    spec = parse_spec(text)
    assert spec == Spec(schedule, None if horizon is None else duration(horizon))
    assert parse_spec(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cosine(0.1) @ 20%", "`cosine(0.1) @ ...` must be a length, not a share of one, got '20%'."),
        ("cosine(0.1) @ 0", "`cosine(0.1) @ ...` must be a positive duration, got 0."),
        ("cosine(0.1) @", "`cosine(0.1) @ ...` must be a positive duration, got ''."),
        ("cosine(0.1) @ -5", "`cosine(0.1) @ ...` must be a positive duration, got '-5'."),
        ("cosine(0.1) @ 2.5", "`cosine(0.1) @ ...` must be a positive duration, got '2.5'."),
        ("cosine(0.1) @ 60 @ 60ep", "`parse(...)` must be given the notation of a schedule, got 'cosine(0.1) @ 60'."),
        ("@ 60ep", "`parse(...)` must be given one schedule, got ''."),
        ("cosine(0.1)\n\n\x1b @ x", "`cosine(0.1)    @ ...` must be a positive duration, got 'x'."),
    ],
)
def test_a_horizon_that_is_none_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_spec(text)
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()
