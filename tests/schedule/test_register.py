"""A family is found by its name wherever it stands, and loaded only when it is named."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import lrdecay.schedule
from lrdecay.schedule.base import family
from lrdecay.schedule.register import FAMILIES, HOMES, Register


def test_every_family_of_the_package_is_in_the_list_of_homes_and_stands_where_it_says() -> None:
    for module in pkgutil.iter_modules(lrdecay.schedule.__path__):
        importlib.import_module(f"lrdecay.schedule.{module.name}")
    ours = {name: cls for name, cls in FAMILIES.items() if cls.__module__.startswith("lrdecay.")}
    assert {name: cls.__module__.rpartition(".")[2] for name, cls in ours.items()} == HOMES


def test_to_ask_for_names_loads_nothing_and_to_look_one_up_loads_its_module_alone() -> None:
    code = (
        "import sys; from lrdecay.schedule.register import FAMILIES\n"
        "loaded = lambda: sorted(m for m in sys.modules if m.startswith('lrdecay.schedule.families'))\n"
        "assert 'rex' in FAMILIES and 'rexx' not in FAMILIES and len(FAMILIES) == len(list(FAMILIES)) > 20\n"
        "assert loaded() == [], loaded()\n"
        "assert FAMILIES['rex'].__name__ == 'rex'\n"
        "assert loaded() == ['lrdecay.schedule.families_curves'], loaded()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_family_defined_elsewhere_is_known_from_then_on() -> None:
    register = Register()
    made = type("elsewhere", (), {})
    assert "elsewhere" not in register
    register.add(made)
    assert register["elsewhere"] is made
    assert list(register) == [*HOMES, "elsewhere"]
    with pytest.raises(KeyError):
        register["nowhere"]
    assert callable(family)


def test_every_public_name_of_the_package_can_be_loaded_and_no_other() -> None:
    for name in lrdecay.schedule.__all__:
        assert getattr(lrdecay.schedule, name) is getattr(lrdecay.schedule, name)
    assert lrdecay.schedule.peak is importlib.import_module("lrdecay.schedule.base").PEAK
    assert callable(lrdecay.schedule.duration)
    assert callable(lrdecay.schedule.rescale)
    with pytest.raises(AttributeError, match="no attribute 'cosin'"):
        lrdecay.schedule.cosin  # type: ignore[attr-defined]  # noqa: B018


def test_the_first_use_of_one_family_loads_no_other_and_nothing_of_plans() -> None:
    code = (
        "import sys, lrdecay; lrdecay.parse('warmup(5) + cosine(0.1)').bind(lrdecay.Horizon(steps=10))(3)\n"
        "print(*sorted(m.rpartition('.')[2] for m in sys.modules if 'families' in m or '.plan' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["families"]
