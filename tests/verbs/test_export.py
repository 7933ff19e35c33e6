"""`compare --export`: every scored run once, in each form, and bad targets refused before anything is trained."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import lrdecay
from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.runs.trace import Trace
from lrdecay.verbs.compare import Compared
from lrdecay.verbs.export import export_study, target_of

SCHEDULES = ["constant(0.2)", "linear(0.2)"]
NOISY = {"sigma": 1.0, "condition": 10.0, "dimension": 5, "steps": 40}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    out = tmp_path_factory.mktemp("export")
    wanted = [f"{kind}:{out / kind}" for kind in ("csv", "jsonl", "parquet", "tensorboard")]
    return lrdecay.compare(
        "quadratic", SCHEDULES, seeds=2, pilots=1, arguments=NOISY, out=out / "r", workers=1, export=wanted
    )


def test_every_scored_run_is_in_the_frame_once_with_its_trace_and_its_score(compared: Compared) -> None:
    frame = compared.frame()
    tables = (compared.study.main, compared.study.shared)
    rows = [row for table in tables if table is not None for row in table.rows]
    runs = {(row.spec, r.seed): r for row in rows for r in row.results}
    assert frame.run.nunique() == len(runs)
    for (spec, seed), result in runs.items():
        own = frame[(frame.spec == spec) & (frame.seed == seed)]
        for name, column in (("loss", result.trace.loss), ("rate", result.trace.rate)):
            values = own[own.name == name]
            assert values.step.tolist() == list(range(40))
            assert values.value.tolist() == column.tolist()
        assert own[own.name == "final/score"].value.tolist() == [result.score]
        assert (own.name == "heldout_loss").sum() == 10
    assert set(frame.table) <= {"main", "shared", "main and shared"}
    assert set(frame.schedule) == set(SCHEDULES)
    assert frame.seed.max() < 2  # no pilot seed


def test_files_and_folders_agree_with_the_frame(compared: Compared) -> None:
    where = compared.folder.parent
    frame = compared.frame()
    pd.testing.assert_frame_equal(pd.read_parquet(where / "parquet"), frame)
    text = pd.read_csv(where / "csv")
    assert text.value.tolist() == frame.value.tolist()
    assert text.spec.tolist() == frame.spec.astype(str).tolist()
    assert len((where / "jsonl").read_text().splitlines()) == frame.run.nunique() * (1 + 40 + 1)
    for name in frame.run.unique():
        events = EventAccumulator(str(where / "tensorboard" / name), size_guidance={"scalars": 0})
        events.Reload()
        trace = Trace.from_csv(compared.folder / "traces" / f"{name}.csv")
        assert [e.value for e in events.Scalars("loss")] == trace.loss.astype("float32").tolist()
    assert compared.to_json()["exported"] == [f"{k}:{where / k}" for k in ("csv", "jsonl", "parquet", "tensorboard")]


def test_the_json_of_a_comparison_says_who_may_be_best_and_what_is_saved(compared: Compared) -> None:
    data = json.loads(json.dumps(compared.to_json(), allow_nan=False))
    best, other = data["rows"]
    assert best["p_best"] + other["p_best"] == pytest.approx(1.0)
    assert best["could_be_best"]
    assert best["steps_saved"] is None
    assert other["steps_saved"]["of"] == 40
    assert len(other["steps_saved"]["per_seed"]) == 2


def test_the_command_line_says_what_was_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare", "quadratic", "-s", "linear(0.1)", "--seeds", "1", "--fixed-peak", "--steps", "20"]
    target = f"csv:{tmp_path / 'runs.csv'}"
    assert run([*command, "--out", str(tmp_path / "r"), "--export", target]) == 0
    assert f"exported: {target}" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "runs.csv").step.max() == 19


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (
            "tensorbord:x",
            "`--export KIND:PATH` must be one of csv, jsonl, parquet, tensorboard, mlflow, wandb, a colon",
        ),
        ("tensorbord:x", "Did you mean `tensorboard`?"),
        ("csv", "Write csv:PATH."),
        ("csv:{folder}", "`--export csv:PATH` must be a file, got"),
        ("wandb:{file}", "`--export wandb:PATH` must be a folder, got"),
        ("tensorboard:{folder}", "`--export tensorboard:DIR` must be a new or empty folder, got"),
    ],
)
def test_a_bad_target_is_refused_before_anything_is_trained(tmp_path: Path, target: str, says: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("")
    text = target.format(folder=tmp_path / "d", file=tmp_path / "d" / "f")
    with pytest.raises(InputError) as refused:
        lrdecay.compare("quadratic", SCHEDULES, out=tmp_path / "r", export=[text])
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("absent", "kind", "extra"),
    [("pandas", "parquet", "frames"), ("tensorboard",) * 3, ("mlflow",) * 3, ("wandb",) * 3],
)
def test_a_missing_package_is_one_line_before_anything_is_trained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    absent: str,
    kind: str,
    extra: str,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *rest: None if n == absent else found(n, *rest))
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "quadratic", "-s", "linear(0.1)", "--out", "r", "--export", f"{kind}:x"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"must have {absent}, which is not installed. Run: pip install 'lrdecay[{extra}]'" in said
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_run_is_exported_as_far_as_it_got(tmp_path: Path) -> None:
    compared = lrdecay.compare(
        "quadratic", ["constant(0.1)", "constant(9.0)"], seeds=1, fixed_peak=True, arguments={"steps": 400},
        out=tmp_path / "r", workers=1,
    )  # fmt: skip
    export_study(compared.study, target_of(f"csv:{tmp_path / 'runs.csv'}"))
    frame = pd.read_csv(tmp_path / "runs.csv")
    lost = frame[frame.spec == "constant(9.0)"]
    assert lost[lost.name == "final/diverged"].value.tolist() == [1.0]
    assert "final/score" not in set(lost.name)
    assert lost.step.max() < 399
