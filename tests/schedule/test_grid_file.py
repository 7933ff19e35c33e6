"""Schedules from files: a list of notations and mappings means what its notation means; errors name the entry."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from lrdecay.errors import InputError
from lrdecay.schedule.grid import read_grid
from lrdecay.schedule.grid_file import read_grid_file

YAML = """\
# what we compare
- cosine(peak)
- 'wsd(peak, warmup=100, cooldown={"10%", "20%"}) @ {40ep, 60ep}'
- family: wsd
  peak: [0.03, 0.1]
  warmup: 100
  cooldown: ["10%", 50]
  horizon: [40ep, 900]
- family: multi_step
  peak: peak
  factor: 0.1
  at: [60, "80%"]
- {family: multi_step, peak: 1, factor: 0.1, at: [[60, 80], [70]]}
- {family: scale, schedule: {family: linear, peak: [0.1, 0.2]}, factor: 0.5, horizon: 60ep}
"""
MEANT = [
    "cosine(peak)",
    'wsd(peak, warmup=100, cooldown={"10%", "20%"}) @ {40ep, 60ep}',
    'wsd({0.03, 0.1}, warmup=100, cooldown={"10%", 50}) @ {40ep, 900}',
    'multi_step(peak, factor=0.1, at=[60, "80%"])',
    "multi_step(1, factor=0.1, at={[60, 80], [70]})",
    "0.5 * linear({0.1, 0.2}) @ 60ep",
]


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_a_file_means_what_its_notation_means(suffix, tmp_path) -> None:
    import yaml

    file = tmp_path / f"grid{suffix}"
    file.write_text(json.dumps(yaml.safe_load(YAML)) if suffix == ".json" else YAML)

    grids = read_grid_file(file)
    assert [g.specs for g in grids] == [read_grid(text).specs for text in MEANT]
    assert [g.axes for g in grids] == [read_grid(text).axes for text in MEANT]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "must hold a list of schedules, got []"),
        ({"family": "linear"}, "must hold a list of schedules"),
        (["linear(0.1)", 3], "entry 2` must be a notation, or a mapping with a family, got 3"),
        (["linear(0.1)", {"peak": 3}], "entry 2` must be a notation, or a mapping with a family"),
        ([{"family": "linear", "peek": 0.1}], "entry 1: `linear(peek=...)` must be a known argument"),
        ([{"family": "linear", "peak": None}], "entry 1` must hold numbers, texts, lists"),
        ([{"family": "linear", "peak": float("nan")}], "entry 1` must hold numbers"),
        ([{"family": "linear", "peak": []}], "entry 1` must have values between its braces"),
        ([{"family": "linear", "a b": 1}], "entry 1` must have arguments of the family as keys, got 'a b'"),
        ([{"family": "linear", "peak": 0.1, "horizon": 1.5}], "horizon` must be a length"),
        ([{"family": "linear", "peak": 0.1, "horizon": "4ep} @ {3"}], "horizon` must be a length"),
        ([{"family": "linear) + cosine(", "peak": 0.1}], "must be a notation, or a mapping with a family"),
        (["linear(0.1)", "cosine({0.1)"], "entry 2` must be given schedules"),
        ([{"family": "tabulated", "file": '") + x("'}], "entry 1: "),
    ],
)
def test_an_entry_that_is_no_schedule_is_refused_in_one_line_with_its_number(entries: Any, words, tmp_path) -> None:
    file = tmp_path / "grid.json"
    file.write_text(json.dumps(entries))
    with pytest.raises(InputError) as caught:
        read_grid_file(file)
    assert words in str(caught.value)
    assert "grid.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '[\n"linear(0.1)",\n', "a.json, line 3` must be JSON (Expecting value)"),
        ("a.yaml", "- linear(0.1)\n- [\n", "a.yaml, line 3` must be YAML"),
        ("a.yaml", "- !!python/object/apply:os.system ['true']\n", "a.yaml, line 1` must be YAML (could not determine"),
        ("a.yaml", "- &a [*a]\n", "entry 1` must be a notation"),
        ("a.yaml", "- linear({0.1, 0.2)\n", "a.yaml, entry 1` must be given schedules"),
        ("a.toml", "a = 1", "must end in .json, .yaml or .yml"),
        ("a.json", "[" * 5000, "must be JSON (RecursionError)"),
        ("a.json", "[" + " " * 1_000_001, "must be at most 1000000 bytes"),
    ],
)
def test_a_broken_file_is_refused_in_one_line_with_its_line(name, text, words, tmp_path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        read_grid_file(tmp_path / name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_grid_file(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_grid_file(tmp_path / "binary.json")


def test_without_pyyaml_one_line_says_what_to_install(tmp_path) -> None:
    (tmp_path / "a.yaml").write_text("- linear(0.1)\n")
    (tmp_path / "a.json").write_text('["linear(0.1)"]')
    code = (
        "import sys; sys.modules['yaml'] = None\n"
        "from lrdecay.schedule.grid_file import read_grid_file\n"
        f"print(read_grid_file({str(tmp_path / 'a.json')!r})[0].specs[0])\n"
        f"read_grid_file({str(tmp_path / 'a.yaml')!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "linear(0.1)\n"
    assert "must have PyYAML, which is not installed. Run: pip install 'lrdecay[study]'" in done.stderr.splitlines()[-1]
