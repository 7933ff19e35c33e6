"""The log of a run comes back from disk with the bits it was written with."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.runs.trace import Trace

NAN = math.nan
floats = st.floats(width=64).map(lambda v: NAN if math.isnan(v) else v)  # text keeps no sign and payload of a nan
names = st.lists(st.sampled_from(["accuracy", "heldout_loss", 'top-5, "best"', "F1 µ"]), unique=True)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    n = draw(st.integers(1, 8))

    def column() -> np.ndarray:
        return np.array(draw(st.lists(floats, min_size=n, max_size=n)))

    steps = draw(st.lists(st.integers(0, 2**53), min_size=n, max_size=n, unique=True).map(sorted))
    metrics = {name: column() for name in draw(names)}
    return Trace(np.array(steps, dtype=np.int64), column(), column(), column(), metrics)


def bits(t: Trace) -> dict[str, tuple[str, bytes]]:
    columns = {"step": t.step, "epoch": t.epoch, "rate": t.rate, "loss": t.loss, **t.metrics}
    return {name: (str(c.dtype), c.tobytes()) for name, c in columns.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@given(traces())
def test_a_trace_written_as_csv_is_read_back_bit_for_bit(folder: Path, t: Trace) -> None:
    t.to_csv(folder / "t.csv")
    again = Trace.from_csv(folder / "t.csv")
    assert bits(again) == bits(t)
    assert list(again.metrics) == list(t.metrics)


@given(traces())
def test_json_lines_hold_the_same_bits_and_are_json_that_other_tools_read(folder: Path, t: Trace) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    t.to_jsonl(folder / "t.jsonl")
    lines = (folder / "t.jsonl").read_text("utf-8").splitlines()
    again = Trace.from_rows([json.loads(line, parse_constant=refuse) for line in lines])
    measured = {name: value for name, value in t.metrics.items() if not np.isnan(value).all()}
    assert len(lines) == t.steps
    assert bits(again) == bits(Trace(t.step, t.epoch, t.rate, t.loss, measured))


def test_what_was_not_measured_is_empty_in_csv_and_absent_in_json_lines(tmp_path: Path) -> None:
    t = Trace(
        np.array([0, 1]), np.full(2, NAN), np.array([0.1, 0.2]), np.array([NAN, math.inf]), {"a": np.array([NAN, 1])}
    )
    t.to_csv(tmp_path / "t.csv")
    t.to_jsonl(tmp_path / "t.jsonl")
    assert (tmp_path / "t.csv").read_text() == "step,epoch,rate,loss,a\n0,,0.1,nan,\n1,,0.2,inf,1.0\n"
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert rows == [{"step": 0, "rate": 0.1, "loss": "nan"}, {"step": 1, "rate": 0.2, "loss": "inf", "a": 1.0}]


def test_a_trace_without_rows_is_a_trace(tmp_path: Path) -> None:
    Trace.from_rows([]).to_csv(tmp_path / "t.csv")
    again = Trace.from_csv(tmp_path / "t.csv")
    assert again.steps == 0
    assert again.step.dtype == np.int64
    assert again.loss.dtype == np.float64


def test_a_metric_is_known_where_it_was_measured_after_how_many_updates() -> None:
    t = Trace.from_rows(
        [{"step": 4, "rate": 1, "loss": 1, "a": 0.5}, {"step": 5, "rate": 1, "loss": 1}, {"step": 9, "a": 0.75}]
    )
    done, values = t.measured("a")
    assert done.tolist() == [5, 10]
    assert values.tolist() == [0.5, 0.75]
    assert [len(part) for part in t.measured("b")] == [0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "step,loss\n0,1\n",
        "epoch,rate,loss\n0,1,2\n",
        "step,epoch,rate,loss\n0,0,0.1,low\n",
        "step,epoch,rate,loss\n0.5,0,0.1,1\n",
        "step,epoch,rate,loss\n0,0,0.1,1,7\n",
        "step,epoch,rate,loss\n0,0,0.1,1\n1,0,0.\n",
        "\x00\x01",
    ],
    ids=["empty", "columns", "no step", "words", "half a step", "too wide", "cut short", "zeros"],
)
def test_a_file_that_is_no_trace_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=r"must be a trace with the columns step, epoch, rate and loss") as caught:
        Trace.from_csv(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"step,epoch,rate,loss\n\xff\xfe\n")
    with pytest.raises(InputError, match="must be a trace"):
        Trace.from_csv(tmp_path / "t.csv")
