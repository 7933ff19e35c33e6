"""Variants: every combination, once, in written order, with texts that read back; refused where they have no place."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.verbs.variants import Variant, filled, parse_variants


def texts(given) -> list[str]:
    return [str(v) for v in parse_variants(given)]


def test_variants_are_the_product_in_written_order_with_the_leftmost_slowest() -> None:
    assert texts("wd={0.05,0.1} batch={256, 512} optimizer={sgd,adamw}")[:3] == [
        "wd=0.05 batch=256 optimizer=sgd",
        "wd=0.05 batch=256 optimizer=adamw",
        "wd=0.05 batch=512 optimizer=sgd",
    ]
    assert len(parse_variants("wd={0.05,0.1} batch={256,512} optimizer={sgd,adamw}")) == 8
    assert parse_variants("") == parse_variants(()) == ()


def test_what_a_shell_makes_of_braces_means_the_same_as_the_braces() -> None:
    assert texts(["wd=0.05", "wd=0.1", "batch=256"]) == texts("wd={0.05,0.1} batch={256}")


def test_a_value_is_json_or_a_word_and_in_quotes_a_text() -> None:
    (variant,) = parse_variants("""a=1 b=1.5 c=true d=none e="1" f='x y' g=[1,2] h=lawa(5, 1ep) i=null""")
    assert variant.overrides == (
        ("a", 1),
        ("b", 1.5),
        ("c", True),
        ("d", "none"),
        ("e", "1"),
        ("f", "x y"),
        ("g", [1, 2]),
        ("h", "lawa(5, 1ep)"),
        ("i", None),
    )
    assert parse_variants(str(variant)) == (variant,)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans()
        | st.text("ab1. ,()'{}", max_size=6),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=100, deadline=None)
def test_the_text_of_a_variant_reads_back_as_it(chosen) -> None:
    variant = Variant(tuple(chosen.items()))
    assert parse_variants(str(variant))[0].overrides == variant.overrides


def test_short_names_stand_for_the_tasks_arguments_unless_it_has_them_itself() -> None:
    (variant,) = parse_variants("wd=0.1 batch=8")
    assert variant.arguments(("weight_decay", "batch_size"), "t") == {"weight_decay": 0.1, "batch_size": 8}
    assert variant.arguments(("wd", "batch_size"), "t") == {"wd": 0.1, "batch_size": 8}
    assert variant.arguments(None, "t") == {"weight_decay": 0.1, "batch_size": 8}
    assert texts("weight_decay={0,0.1}") == ["wd=0", "wd=0.1"]
    with pytest.raises(InputError, match=r"`--vary batch=...` must be an argument of t, got 'batch'"):
        variant.arguments(("weight_decay",), "t")


def test_places_in_a_command_are_filled_inside_its_words() -> None:
    (variant,) = parse_variants("wd=0.1 opt='a b' flag=true")
    command = filled("python t.py --wd={weight_decay} '--opt {opt}' {flag} {seed} {wd}", variant)
    assert shlex.split(command) == ["python", "t.py", "--wd=0.1", "--opt a b", "true", "{seed}", "0.1"]
    with pytest.raises(InputError, match=r"must stand in the command of the script as \{opt\}"):
        filled("python t.py {wd} {flag}", variant)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wd", "must be a name, =, and values (at character 1), got 'wd'"),
        ("a=1 {2}", "(at character 5)"),
        ("wd=", "must be a name, =, and values"),
        ("wd={", "must close what it opens (at character 4)"),
        ("wd='x", "must close what it opens (at character 4)"),
        ("wd=1}", "must have brackets that match (at character 5)"),
        ("a=1 wd=(]", "must have brackets that match (at character 9)"),
        ("wd={}", "must have values between its braces"),
        ("wd={1}2", "must have values between its braces"),
        ("wd={1,,2}", "must have a value (at character 7)"),
        ("wd={1,{2}}", "not sets in sets (at character 7), got '{2}'"),
        ("wd={1,1.0}", "must name each value once, got 1.0"),
        ("wd=1 weight_decay=1", "must name each value once"),
        ("a={" + ",".join(map(str, range(40))) + "} b={" + ",".join(map(str, range(40))) + "}", "at most 1000"),
    ],
)
def test_what_is_no_variant_is_refused_in_one_line_with_its_place(text, words) -> None:
    with pytest.raises(InputError) as caught:
        parse_variants(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
