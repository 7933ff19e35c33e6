"""A peer's scheduler as text: read as people write it, and never run."""

from __future__ import annotations

import pytest

from lrdecay.dialects.base import SAYINGS, Call, says
from lrdecay.dialects.reading import MODULES, load_all, read_call, sayings_in
from lrdecay.errors import InputError
from lrdecay.schedule import constant

load_all()

STEP = Call("composer", "StepScheduler", ("30ba",), {"gamma": 0.5})


@pytest.mark.parametrize(
    "text",
    [
        "StepScheduler('30ba', gamma=0.5)",
        "composer.StepScheduler('30ba', gamma=0.5)",
        "composer.optim.StepScheduler('30ba', gamma=0.5)",
        "StepScheduler('30ba', gamma=+0.5)",
        "  composer.optim.scheduler.StepScheduler(\n    '30ba',\n    gamma=1 / 2,\n)\n",
    ],
)
def test_a_name_may_carry_its_library(text):
    assert read_call(text) == STEP


def test_values_are_python_s_literals_and_their_sums():
    call = read_call("composer.MultiStepScheduler([1, (2, -3.5)], gamma={'a': None, 3: True}, x=90 * 391 + 1 - 7 // 2)")

    assert call.positional == ([1, (2, -3.5)],)
    assert call.named == {"gamma": {"a": None, 3: True}, "x": 90 * 391 + 1 - 3}


def test_an_optimizer_that_is_handed_over_by_name_says_nothing():
    expected = Call("torch", "StepLR", (30,), {"gamma": 0.5})

    for text in ("StepLR(optimizer, 30, gamma=0.5)", "StepLR(self.opt, 30, gamma=0.5)", "torch.StepLR(30, gamma=0.5)"):
        assert read_call(text) == expected
    assert read_call("lr_scheduler.StepLR(step_size=30, optimizer=opt)").named == {"step_size": 30}


def test_calls_inside_a_call_are_of_its_library():
    text = "torch.optim.lr_scheduler.SequentialLR(opt, [LinearLR(opt, 1/3), StepLR(opt, 30)], milestones=[5])"
    call = read_call(text)

    assert call.positional == ([Call("torch", "LinearLR", (1 / 3,)), Call("torch", "StepLR", (30,))],)
    assert [s.name for s in sayings_in(call)] == ["SequentialLR", "LinearLR", "StepLR"]


def test_a_bare_name_that_two_libraries_know_must_say_which(monkeypatch):
    for library in ("keras", "optax"):
        monkeypatch.setitem(SAYINGS, (library, "Twice"), SAYINGS["composer", "StepScheduler"])

    with pytest.raises(InputError, match=r"must say its library.*keras\.Twice or optax\.Twice"):
        read_call("Twice(1)")
    assert read_call("tf.keras.optimizers.schedules.Twice(1)").library == "keras"


def test_a_translator_is_registered_under_each_of_its_names(monkeypatch):
    before = dict(SAYINGS)

    @says("optax", "one_name", "another_name", ends="holds")
    def both(run):
        return constant(0.1)

    try:
        assert SAYINGS["optax", "one_name"].translator is SAYINGS["optax", "another_name"].translator is both
        assert read_call("another_name()") == Call("optax", "another_name")
    finally:
        for key in set(SAYINGS) - set(before):
            del SAYINGS[key]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the call of a scheduler"),
        ("StepScheduler", "the call of a scheduler"),
        ("StepScheduler('30ba'", "the call of a scheduler"),
        ("StepScheduler('30ba'); print(1)", "the call of a scheduler"),
        ("a = StepScheduler('30ba')", "the call of a scheduler"),
        ("StepSchedular('30ba')", "Did you mean `StepScheduler`?"),
        ("composer.StepSchedular('30ba')", "Did you mean `composer.StepScheduler`?"),
        ("fastai.StepScheduler('30ba')", "must be of a known library"),
        ("StepScheduler('30ba', gamma=0.1, gamma=0.2)", "must be given once"),
        ("StepScheduler(*x)", "plain values"),
        ("StepScheduler(**x)", "plain values"),
        ("StepScheduler(lambda t: t)", "write the values"),
        ("StepScheduler('30ba', gamma)", "write the values"),
        ("StepScheduler('30ba', gamma=1 / 0)", "plain values"),
        ("StepScheduler('30ba', gamma=2 ** 9)", "plain values"),
        ("StepScheduler('30ba', gamma='a' * 9)", "plain values"),
        ("StepScheduler('30ba', gamma=1e400)", "plain values"),
        ("StepScheduler('30ba', gamma=[x for x in y])", "plain values"),
        ("StepScheduler('30ba', gamma=f'{x}')", "plain values"),
        ("StepScheduler('30ba', gamma={1: 2, **x})", "plain values"),
        ("f()(1)", "plain values"),
        ("StepScheduler(print('x'))", "must be a known scheduler"),
        ("StepScheduler(__import__('os'))", "must be a known scheduler"),
        ("StepScheduler(" + "[" * 60 + "]" * 60 + ")", "nested at most"),
        ("StepScheduler(" + "1 + " * 2000 + "1)", "nested"),
        ("StepScheduler('" + "x" * 20_000 + "')", "at most 10000 characters"),
    ],
    ids=lambda v: v[:40],
)
def test_what_is_not_a_plain_call_is_refused_in_one_line(text, words):
    with pytest.raises(InputError) as refused:
        read_call(text)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_module_of_translators_fills_its_library():
    for name in MODULES:
        assert any(library == name for library, _ in SAYINGS), name
