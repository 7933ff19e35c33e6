"""A user's script from inside: nothing happens by hand; under a study it does as it is told, and forks agree."""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import SGD

import lrdecay
from lrdecay.errors import InputError
from lrdecay.runs.protocol import Orders, variables
from lrdecay.runs.script_run import ScriptRun
from lrdecay.runs.seeding import kept_random_state, seed_everything
from lrdecay.schedule import Horizon, cosine, parse


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No study, no ranks, an empty folder, and the random state as it was afterwards."""
    for name in [*os.environ]:
        if name.startswith("LRDECAY_") or name == "RANK":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with kept_random_state():
        yield


Script = Callable[..., ScriptRun]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Script]:
    """``lrdecay.script()`` as a study would start it, with orders in the environment."""
    runs: list[ScriptRun] = []

    def script(orders: Orders | None = None, **says: Any) -> ScriptRun:
        if orders is not None:
            for name in Orders.__attrs_attrs__:
                monkeypatch.delenv(f"LRDECAY_{name.name.upper()}", raising=False)
            for name, value in variables(orders).items():
                monkeypatch.setenv(name, value)
        runs.append(lrdecay.script(**says))
        return runs[-1]

    yield script
    for run in runs:
        if run._events is not None:
            run._events.close()


def events(path: Path = Path("events")) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def optimizer() -> SGD:
    return SGD(torch.nn.Linear(2, 1).parameters(), lr=1.0)


def rate(opt: SGD) -> float:
    return float(opt.param_groups[0]["lr"])


def draw() -> list[float]:
    """A number from every generator of the process."""
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]  # noqa: NPY002


def test_by_hand_it_is_an_ordinary_run_that_seeds_nothing_and_within_a_second_writes_nothing(tmp_path: Path) -> None:
    opt = optimizer()
    seed_everything(3)
    expected = draw()
    seed_everything(3)
    run = lrdecay.script(steps=4, seed=7)
    assert draw() == expected
    sched = run.attach(opt, "cosine(0.1)")
    seen = []
    for t in run.steps(save=lambda *_: 1 / 0, load=lambda *_: 1 / 0):
        seen.append((t, run.step, rate(opt)))
        opt.step()
        sched.step()
        run.log(loss="no number, and nobody listens", step=3)
    values = parse("cosine(0.1)").bind(Horizon(steps=4)).values().tolist()
    assert seen == [(t, t, values[t]) for t in range(4)]
    assert (run.seed, run.horizon) == (7, Horizon(steps=4))
    assert list(tmp_path.iterdir()) == []


def test_a_schedule_that_is_a_value_and_options_of_the_adapter_are_passed_on() -> None:
    model = torch.nn.Linear(2, 1)
    opt = SGD([{"params": [model.weight]}, {"params": [model.bias]}], lr=1.0)
    run = lrdecay.script(steps=4)
    run.attach(opt, cosine(0.1), multipliers=[1.0, 0.5])
    assert [group["lr"] for group in opt.param_groups] == [0.1, 0.05]


def test_nothing_that_says_how_long_is_refused() -> None:
    with pytest.raises(InputError, match="must say how long the run is"):
        lrdecay.script()
    with pytest.raises(InputError, match="must come with the length of an epoch"):
        lrdecay.script(epochs=3)
    assert lrdecay.script(epochs=3, samples_per_epoch=10, batch_size=4).horizon.steps == 8


def test_orders_put_another_length_in_place_of_the_scripts_own(script: Script) -> None:
    run = script(Orders(events=Path("events"), steps=5), epochs=3, samples_per_epoch=10, batch_size=4)
    assert run.horizon == Horizon(steps=5, samples_per_epoch=10, batch_size=4)
    run.attach(optimizer(), "cosine(0.1)")
    assert list(run.steps()) == [0, 1, 2, 3, 4]


def test_a_study_hears_the_horizon_the_schedule_what_was_logged_and_the_end(script: Script) -> None:
    run = script(Orders(events=Path("events")), steps=2, steps_per_epoch=10, tokens_per_step=7)
    run.attach(optimizer(), "linear(0.5)")
    for _ in run.steps():
        run.log(loss=torch.tensor(0.25, requires_grad=True), accuracy=np.float32(0.5))
        run.log(gap=float("inf"), gone=float("nan"), n=3)
    run.log(final=1)
    assert events() == [
        {"event": "hello", "horizon": {"steps": 2, "steps_per_epoch": 10, "tokens_per_step": 7}},
        {"event": "attached", "schedule": "linear(0.5)"},
        {"event": "steps", "saves": False, "loads": False},
        {"event": "row", "step": 0, "rate": 0.5, "values": {"loss": 0.25, "accuracy": 0.5}},
        {"event": "row", "step": 0, "rate": 0.5, "values": {"gap": "inf", "gone": "nan", "n": 3.0}},
        {"event": "row", "step": 1, "rate": 0.25, "values": {"loss": 0.25, "accuracy": 0.5}},
        {"event": "row", "step": 1, "rate": 0.25, "values": {"gap": "inf", "gone": "nan", "n": 3.0}},
        {"event": "end", "step": 2},
        {"event": "row", "step": 1, "rate": 0.25, "values": {"final": 1.0}},
    ]


def test_every_line_is_there_the_moment_it_was_said(script: Script) -> None:
    run = script(Orders(events=Path("events")), steps=2)
    assert [e["event"] for e in events()] == ["hello"]
    run.attach(optimizer(), "linear(0.5)")
    for t in run.steps():
        run.log(loss=1)
        assert len(events()) == 4 + t


def test_a_study_puts_its_own_schedule_in_place_of_the_scripts(script: Script) -> None:
    opt = optimizer()
    run = script(Orders(events=Path("events"), spec="warmup(2) + constant(0.3)"), steps=4)
    sched = run.attach(opt, "cosine(0.1)")
    seen = []
    for _ in run.steps():
        seen.append(rate(opt))
        opt.step()
        sched.step()
    assert seen == parse("warmup(2) + constant(0.3)").bind(Horizon(steps=4)).values().tolist()
    assert events()[1] == {"event": "attached", "schedule": "warmup(2) + constant(0.3)"}


def test_a_table_of_rates_is_used_bit_for_bit_and_wins_over_the_notation(script: Script) -> None:
    table = np.random.default_rng(0).random(4)
    np.save("rates.npy", table)
    opt = optimizer()
    run = script(Orders(events=Path("events"), spec="constant(0.3)", rates=Path("rates.npy")), steps=4)
    sched = run.attach(opt, "cosine(0.1)")
    seen = []
    for _ in run.steps():
        seen.append(rate(opt))
        run.log(loss=1)
        opt.step()
        sched.step()
    assert np.array(seen).tobytes() == table.tobytes()
    assert [e["rate"] for e in events() if e["event"] == "row"] == table.tolist()


def test_a_table_that_is_too_short_is_refused(script: Script) -> None:
    np.save("rates.npy", np.ones(3))
    run = script(Orders(events=Path("events"), spec="constant(1)", rates=Path("rates.npy")), steps=4)
    with pytest.raises(InputError, match=r"`attach\(rates=...\)` must be a float64 array"):
        run.attach(optimizer(), "cosine(0.1)")


def test_a_study_says_the_seed_and_everything_is_seeded_with_it(script: Script) -> None:
    run = script(Orders(events=Path("events"), seed=11), steps=4, seed=7)
    drawn = draw()
    assert run.seed == 11
    seed_everything(11)
    assert draw() == drawn
    script(Orders(events=Path("events"), seed=12), steps=4)
    assert draw() != drawn


def test_a_run_stops_where_it_is_told_and_not_past_its_own_end(script: Script) -> None:
    for stop, steps in ((3, [0, 1, 2]), (0, []), (9, [0, 1, 2, 3])):
        run = script(Orders(events=Path(f"events-{stop}"), stop=stop), steps=4)
        run.attach(optimizer(), "linear(0.5)")
        assert list(run.steps()) == steps
        assert events(Path(f"events-{stop}"))[-1] == {"event": "end", "step": len(steps)}


@pytest.mark.parametrize("at", range(6))
def test_a_fork_goes_on_with_the_rates_and_the_random_numbers_the_trunk_would_have_drawn(
    script: Script, at: int
) -> None:
    def save(path: str, t: int) -> None:
        draw()  # as a save does that measures over a loader
        Path(path).write_text(str(t))

    def load(path: str) -> int:
        seed_everything(99)
        return int(Path(path).read_text())

    def run(**orders: Any) -> list[tuple[int, float, list[float]]]:
        opt, seen = optimizer(), []
        run = script(Orders(events=Path("events"), seed=5, **orders), steps=6)
        sched = run.attach(opt, "cosine(0.1)")
        for t in run.steps(save=save, load=load):
            seen.append((t, rate(opt), draw()))
            opt.step()
            sched.step()
        return seen

    whole = run()
    trunk = run(stop=at, save=Path("ckpt"))
    branch = run(load=Path("ckpt"))
    assert trunk == whole[:at]
    assert branch == whole[at:]
    assert sorted(p.name for p in Path().glob("ckpt*")) == ["ckpt", "ckpt.random.npz"]


def test_a_checkpoint_without_a_random_state_beside_it_loads_too(script: Script) -> None:
    Path("own.pt").write_text("from before lrdecay")
    opt = optimizer()
    run = script(Orders(events=Path("events"), load=Path("own.pt")), steps=6)
    run.attach(opt, "linear(0.6)")
    steps = run.steps(load=lambda _path: 4)
    assert next(steps) == 4
    assert rate(opt) == parse("linear(0.6)").bind(Horizon(steps=6))(4)


@pytest.mark.parametrize("returned", [None, -1, 2.0, "2", True, np.int64(2)], ids=repr)
def test_a_load_that_does_not_say_its_step_is_refused(script: Script, returned: object) -> None:
    run = script(Orders(events=Path("events"), load=Path("ckpt")), steps=6)
    run.attach(optimizer(), "linear(0.6)")
    with pytest.raises(InputError, match=r"`load\(path\)` must return the step it was saved at, an integer >= 0, got"):
        next(run.steps(load=lambda _path: returned))  # type: ignore[arg-type, return-value]


def test_a_fork_without_save_or_load_is_refused_before_a_step_is_made(script: Script) -> None:
    run = script(Orders(events=Path("events"), save=Path("ckpt")), steps=6)
    run.attach(optimizer(), "linear(0.6)")
    with pytest.raises(InputError, match=r"`run.steps\(save=...\)` must be given to save a checkpoint"):
        next(run.steps(load=lambda _path: 0))
    run = script(Orders(events=Path("events"), load=Path("ckpt")), steps=6)
    run.attach(optimizer(), "linear(0.6)")
    with pytest.raises(InputError, match=r"`run.steps\(load=...\)` must be given to start from a checkpoint"):
        next(run.steps(save=lambda _path, _t: None))


def test_a_second_attach_is_refused(script: Script) -> None:
    for orders in (Orders(), Orders(events=Path("events"))):
        run = script(orders, steps=4)
        run.attach(optimizer(), "linear(0.6)")
        with pytest.raises(InputError, match=r"`run.attach\(...\)` must be called once in a run"):
            run.attach(optimizer(), "linear(0.6)")


def test_steps_before_attach_are_refused(script: Script) -> None:
    for orders in (Orders(), Orders(events=Path("events"))):
        with pytest.raises(InputError, match=r"`run.steps\(...\)` must come after `run.attach"):
            next(script(orders, steps=4).steps())


@pytest.mark.parametrize(
    "value",
    ["low", None, [1.0, 2.0], torch.ones(2), np.ones(3), 1j, {}],
    ids=["text", "None", "list", "tensor", "array", "complex", "dict"],
)
def test_logging_what_is_not_a_single_number_is_refused_by_its_name(script: Script, value: object) -> None:
    run = script(Orders(events=Path("events")), steps=4)
    run.attach(optimizer(), "linear(0.6)")
    next(run.steps())
    with pytest.raises(InputError, match=r"`run.log\(accuracy=...\)` must be a single number, got") as caught:
        run.log(loss=1.0, accuracy=value)
    assert "\n" not in str(caught.value)
    assert [e["event"] for e in events()] == ["hello", "attached", "steps"]


@pytest.mark.parametrize("name", ["step", "epoch", "rate"])
def test_logging_under_a_name_of_the_traces_own_is_refused(script: Script, name: str) -> None:
    run = script(Orders(events=Path("events")), steps=4)
    run.attach(optimizer(), "linear(0.6)")
    next(run.steps())
    with pytest.raises(InputError, match=rf"`run.log\({name}=...\)` must not be called {name}, got 3"):
        run.log(**{name: 3})


def test_logging_in_a_loop_of_ones_own_is_refused_for_nobody_knows_the_step(script: Script) -> None:
    run = script(Orders(events=Path("events")), steps=4)
    run.attach(optimizer(), "linear(0.6)")
    with pytest.raises(
        InputError, match=r"`run.log\(...\)` must come after the first step of run.steps\(\), got \['loss'\]"
    ):
        run.log(loss=0.5)


def test_a_probe_hears_the_scripts_own_schedule_and_length_and_ends_it_before_training(script: Script) -> None:
    opt = optimizer()
    run = script(Orders(events=Path("events"), probe=True, steps=9), steps=4, steps_per_epoch=2)
    with pytest.raises(SystemExit) as ended:
        run.attach(opt, "multi_step(0.1, factor=0.5, at=[3])")
    assert ended.value.code == 0
    assert rate(opt) == 1.0
    assert events() == [
        {"event": "hello", "horizon": {"steps": 9, "steps_per_epoch": 2}},
        {"event": "attached", "schedule": "multi_step(0.1, factor=0.5, at=[3])"},
    ]


def test_of_several_processes_only_the_first_writes_and_each_keeps_its_own_random_state(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("events").touch()
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        run = script(Orders(events=Path("events"), seed=3, stop=2, save=Path("ckpt")), steps=4)
        run.attach(optimizer(), "linear(0.6)")
        for _ in run.steps(save=lambda _path, _t: None, load=lambda _path: 2):
            random.random()
            run.log(loss=1.0)
        assert events() == [] if rank == "1" else len(events()) == 6
    assert sorted(p.name for p in Path().glob("ckpt*")) == ["ckpt.random.1.npz", "ckpt.random.npz"]


# ---- a trainer that has a loop of its own ----


class Trainer:
    """What an adapter gives for a trainer: it follows the run."""

    def follow(self, run: ScriptRun) -> None:
        self.run = run


def followed(orders: Orders, **says: Any) -> tuple[Trainer, ScriptRun]:
    trainer = Trainer()
    run = ScriptRun(says, orders, lambda _target, _bound, _rates: trainer, 5)
    assert run.attach(None, "linear(0.6)") is trainer
    assert trainer.run is run
    return trainer, run


def test_a_trainer_that_follows_says_what_the_loop_would_have_said() -> None:
    _, run = followed(Orders(events=Path("events"), stop=2, save=Path("ckpt")), steps=4)
    assert (run.checkpoint, run.stop, run.saves) == (None, 2, True)
    run.begin("fit(ckpt=...)", 4, 0)
    for t in range(2):
        run.enter(t)
        run.log(loss=1.0)
    run.leave(2, lambda path: Path(path).write_text("theirs"))
    assert [e["event"] for e in events()] == ["hello", "attached", "steps", "row", "row", "end"]
    assert events()[-1] == {"event": "end", "step": 2}
    assert [e["step"] for e in events() if e["event"] == "row"] == [0, 1]
    assert Path("ckpt").read_text() == "theirs"
    run._events.close()  # type: ignore[union-attr]


def test_a_trainer_is_told_where_to_start_and_is_heard_if_it_does_not() -> None:
    _, run = followed(Orders(events=Path("events"), load=Path("ckpt"), seed=5), steps=4)
    assert (run.checkpoint, run.stop, run.saves) == ("ckpt", 4, False)
    run.begin("fit(ckpt=...)", 4, 2, seed=5)
    with pytest.raises(InputError, match=r"`fit\(ckpt=...\)` must be run.checkpoint, 'ckpt', got 'a start at step 0'"):
        run.begin("fit(ckpt=...)", 4, 0)
    with pytest.raises(InputError, match=r"must be a trainer of 4 steps, got 5. Say max_steps=run.horizon.steps"):
        run.begin("fit(ckpt=...)", 5, 2)
    with pytest.raises(InputError, match=r"must be a trainer with seed=run.seed, 5, got 42"):
        run.begin("fit(ckpt=...)", 4, 2, seed=42)
    run._events.close()  # type: ignore[union-attr]
    _, run = followed(Orders(events=Path("events")), steps=4)
    with pytest.raises(InputError, match=r"must be run.checkpoint, None, got 'a start at step 2'"):
        run.begin("fit(ckpt=...)", 4, 2)
    run._events.close()  # type: ignore[union-attr]


def test_by_hand_a_trainer_starts_where_and_with_what_seed_it_likes() -> None:
    _, run = followed(Orders(), steps=4)
    run.begin("fit(ckpt=...)", 4, 2, seed=42)
    run.enter(3)
    run.leave(4, lambda _: pytest.fail("nobody wants a checkpoint"))
    assert run.step == 3


@pytest.mark.parametrize(
    ("given", "lacks"), [({}, "no save"), ({"save": print}, "no load"), ({"load": int}, "no save")]
)
def test_a_script_that_is_to_save_and_could_not_go_on_from_there_says_so_at_once(
    script: Script, given: dict[str, Any], lacks: str
) -> None:
    run = script(Orders(events=Path("events"), seed=3, stop=2, save=Path("ckpt")), steps=4)
    run.attach(optimizer(), "linear(0.6)")
    with contextlib.suppress(InputError):
        next(iter(run.steps(**given)))
    assert [e["lacks"] for e in events() if e["event"] == "cannot"] == [lacks]
