"""What a run does with commands: each once, answered first, again after a kill, and at one step on all ranks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.feedback.dial import Dial
from lrdecay.runs.live import desk, names
from lrdecay.runs.live.channel import Channel
from lrdecay.runs.live.standing import LiveRun, read
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Command, Store
from lrdecay.schedule import Horizon, parse

STEPS = 1000
RATES = parse("cosine(0.1)").bind(Horizon(steps=STEPS)).values()


def dial() -> Dial:
    return Dial(RATES, Horizon(steps=STEPS))


@pytest.fixture(params=["sqlite", "directory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "x.db") if request.param == "sqlite" else f"dir:{tmp_path / 'store'}"


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is looked at before every update."""
    monkeypatch.setattr(desk, "PAUSE", 0.0)
    monkeypatch.setattr(desk, "SHARE", 0.0)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As if this process were killed: what it claimed is nobody's."""
    return lambda: monkeypatch.setattr(names, "_held", set())


def run_to(channel: Channel, stop: int, start: int = 0) -> Channel:
    for t in range(start, stop):
        channel.boundary(t)
    return channel


def opened(place: str, on: Dial, name: str | None = "train", **more: Any) -> Channel:
    return Channel(on, "cosine(0.1)", lambda: open_store(place), name=name, **more)


def tell(store: Store, run: str = "train", **command: Any) -> int:
    return store.command(run, command, by="ann")


def answers(store: Store, run: str = "train") -> list[Any]:
    return [c.outcome for c in store.commands(run)]


def standing(store: Store, run: str = "train") -> LiveRun:
    found = read(store, run)
    assert found is not None
    return found


@pytest.mark.usefixtures("often")
class TestOneProcess:
    def test_a_command_holds_from_the_next_update_on_and_is_answered_with_its_edit(self, place: str, store: Store):
        d = dial()
        channel = run_to(opened(place, d), 10)
        tell(store, do="scale", factor=0.5, ramp=0)
        channel.boundary(10)
        assert d.rate(9) == RATES[9]
        assert d.rate(10) == 0.5 * RATES[10]
        assert answers(store)[0]["applied"] == d.journal[0].to_json()
        assert (d.journal[0].step, d.journal[0].sequence) == (10, 1)
        channel.boundary(11)
        assert len(d.journal) == 1

    def test_what_it_says_is_the_rate_and_the_curve_that_remains(self, place: str, store: Store):
        d = dial()
        channel = run_to(opened(place, d), 10)
        tell(store, do="scale", factor=0.5, ramp=0)
        channel.boundary(10)
        now = standing(store)
        assert (now.state, now.step, now.steps) == ("running", 10, STEPS)
        assert (now.rate, now.scheduled, now.multiplier) == (d.rate(10), RATES[10], 0.5)
        assert now.curve[0] == (10, d.rate(10))
        assert now.curve[-1] == (STEPS - 1, d.rate(STEPS - 1))
        assert len(now.curve) == 64
        assert all(rate == d.rate(step) for step, rate in now.curve)
        assert [edit["sequence"] for edit in now.journal] == [1]

    def test_a_command_that_cannot_be_done_is_refused_and_changes_nothing(self, place: str, store: Store):
        d = dial()
        channel = run_to(opened(place, d), 5)
        tell(store, do="undo")
        tell(store, do="scale", factor=float("nan"))
        tell(store, do="sing")
        channel.boundary(5)
        said = [outcome["refused"] for outcome in answers(store)]
        assert ["undo" in said[0], "positive" in said[1], "known command" in said[2]] == [True] * 3
        assert d.journal == ()

    def test_several_commands_are_obeyed_in_order_at_one_step(self, place: str, store: Store):
        d = dial()
        channel = run_to(opened(place, d), 5)
        tell(store, do="drop", ramp=0)
        tell(store, do="set", rate=0.03, ramp=0)
        tell(store, do="undo", ramp=0)
        channel.boundary(5)
        assert [edit.kind for edit in d.journal] == ["scale", "scale", "undo"]
        assert d.rate(5) == pytest.approx(0.1 * RATES[5])

    def test_the_end_is_said_and_what_waits_is_refused(self, place: str, store: Store):
        channel = run_to(opened(place, dial()), 5)
        tell(store, do="drop")
        channel.boundary(STEPS)
        assert standing(store).state == "finished"
        assert "last update" in answers(store)[0]["refused"]
        channel.boundary(STEPS + 1)

    def test_a_second_live_run_of_a_script_gets_a_number_and_a_wanted_name_is_refused(
        self, place: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("sys.argv", ["some/fine tune.py"])
        first, second = run_to(opened(place, dial(), None), 2), run_to(opened(place, dial(), None), 2)
        assert (first.name, second.name) == ("fine-tune", "fine-tune-2")
        with pytest.raises(InputError, match=r"must be free, and process \d+"):
            run_to(opened(place, dial(), "fine-tune"), 2)
        first.finish(2)
        assert run_to(opened(place, dial(), None), 2).name == "fine-tune"


@pytest.mark.usefixtures("often")
class TestAfterAKill:
    def test_a_resumed_run_makes_the_edits_after_its_checkpoint_at_their_own_steps(
        self, place: str, store: Store, killed: Any, capsys: pytest.CaptureFixture[str]
    ):
        d = dial()
        channel = run_to(opened(place, d), 10)
        tell(store, do="drop", ramp=5)
        run_to(channel, 20, 10)
        checkpoint = d.state()
        tell(store, do="scale", factor=3.0, ramp=7)
        run_to(channel, 40, 20)
        tell(store, do="hold")
        run_to(channel, 50, 40)
        whole = d.state()
        killed()

        again = dial()
        again.load(checkpoint)
        resumed = opened(place, again, None)
        resumed.boundary(20)
        assert again.state() == whole
        assert [again.rate(t) for t in range(STEPS)] == [d.rate(t) for t in range(STEPS)]
        assert resumed.name == "train"
        assert "obeys 2 commands given after this checkpoint again, up to step 40" in capsys.readouterr().err
        assert standing(store).until == 40

        tell(store, do="undo", ramp=0)
        run_to(resumed, 40, 21)
        assert len(again.journal) == 3
        run_to(resumed, 60, 40)
        assert [edit.step for edit in again.journal] == [10, 20, 40, 40]
        assert standing(store).until is None

    def test_what_was_not_answered_is_new_to_the_resumed_run(self, place: str, store: Store, killed: Any):
        d = dial()
        run_to(opened(place, d), 10)
        checkpoint = d.state()
        tell(store, do="drop")
        killed()
        again = dial()
        again.load(checkpoint)
        opened(place, again).boundary(10)
        assert [edit.step for edit in again.journal] == [10]

    def test_killed_between_the_answer_and_the_journal_nothing_is_lost_or_done_twice(
        self, place: str, store: Store, killed: Any, monkeypatch: pytest.MonkeyPatch
    ):
        d = dial()
        channel = run_to(opened(place, d), 10)
        checkpoint = d.state()
        tell(store, do="drop", ramp=0)

        def kill(_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as m:
            m.setattr(d, "add", kill)
            with pytest.raises(KeyboardInterrupt):
                channel.boundary(10)
        killed()
        again = dial()
        again.load(checkpoint)
        run_to(opened(place, again), 30, 10)
        assert [(edit.step, edit.sequence) for edit in again.journal] == [(10, 1)]

    def test_a_start_from_the_beginning_refuses_what_waited_for_the_old_life(
        self, place: str, store: Store, killed: Any
    ):
        run_to(opened(place, dial()), 10)
        tell(store, do="drop")
        killed()
        assert standing(store).state == "dead"
        d = dial()
        run_to(opened(place, d), 10)
        assert "began anew" in answers(store)[0]["refused"]
        assert d.journal == ()

    def test_resumed_under_another_name_it_is_another_run_that_keeps_the_journal(
        self, place: str, store: Store, killed: Any
    ):
        d = dial()
        channel = run_to(opened(place, d), 10)
        tell(store, do="drop", ramp=0)
        run_to(channel, 20, 10)
        checkpoint = d.state()
        tell(store, do="hold")
        run_to(channel, 30, 20)
        killed()
        again = dial()
        again.load(checkpoint)
        fork = run_to(opened(place, again, "fork"), 25, 20)
        assert [edit.kind for edit in again.journal] == ["scale"]
        tell(store, "fork", do="scale", factor=2.0)
        run_to(fork, 30, 25)
        assert [(edit.kind, edit.step, edit.sequence) for edit in again.journal] == [("scale", 10, 0), ("scale", 25, 1)]

    def test_two_that_go_on_from_one_checkpoint_part(self, place: str, store: Store, killed: Any):
        d = dial()
        run_to(opened(place, d), 10)
        checkpoint = d.state()
        killed()
        both = [dial(), dial()]
        for one in both:
            one.load(checkpoint)
        channels = [run_to(opened(place, one, None), 12, 10) for one in both]
        assert [channel.name for channel in channels] == ["train", "train-2"]
        assert both[0].life != both[1].life

    def test_a_checkpoint_from_before_the_store_was_opened_finds_its_run(self, place: str, store: Store, killed: Any):
        d = dial()
        channel = opened(place, d)
        channel.boundary(0)
        checkpoint = d.state()
        assert checkpoint["life"]["run"] is None
        tell(store, do="drop", ramp=0)
        run_to(channel, 5, 1)
        tell(store, do="hold")
        run_to(channel, 9, 5)
        killed()
        again = dial()
        again.load(checkpoint)
        resumed = opened(place, again, None)
        resumed.boundary(0)
        assert resumed.name == "train"
        assert [edit.kind for edit in again.journal] == ["hold"]  # the first came before this life was known

    def test_a_checkpoint_that_is_loaded_in_mid_run_is_gone_back_to(self, place: str, store: Store):
        d = dial()
        channel = run_to(opened(place, d), 10)
        checkpoint = d.state()
        tell(store, do="drop", ramp=0)
        run_to(channel, 30, 10)
        whole = d.state()
        d.load(checkpoint)
        channel.boundary(10)
        assert d.state() == whole
        assert channel.name == "train"


class Failing:
    """A store that answers, until it is told to fail."""

    def __init__(self, store: Store) -> None:
        self.store, self.fails = store, set[str]()

    def __getattr__(self, name: str) -> Any:
        if name in self.fails:

            def fail(*_: Any, **__: Any) -> None:
                msg = "`--store x` must answer, got: full."
                raise RunError(msg)

            return fail
        return getattr(self.store, name)


@pytest.mark.usefixtures("often")
class TestAStoreThatFails:
    def test_it_stops_no_training_and_says_so_once(self, place: str, store: Store, capsys: pytest.CaptureFixture[str]):
        failing, d = Failing(open_store(place)), dial()
        channel = run_to(Channel(d, "x", lambda: failing, name="train"), 5)
        failing.fails = {"commands", "set_status"}
        run_to(channel, 20, 5)
        failing.fails = set()
        tell(store, do="drop")
        run_to(channel, 30, 20)
        assert len(d.journal) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 2
        assert "goes on, and cannot be steered for now" in lines[0]
        assert "can be steered again" in lines[1]

    def test_a_command_whose_answer_was_not_kept_is_done_once_and_answered_later(self, place: str, store: Store):
        failing, d = Failing(open_store(place)), dial()
        channel = run_to(Channel(d, "x", lambda: failing, name="train"), 5)
        tell(store, do="drop", ramp=0)
        failing.fails = {"acknowledge"}
        run_to(channel, 10, 5)
        assert answers(store) == [None]
        failing.fails = set()
        run_to(channel, 20, 10)
        assert [edit.step for edit in d.journal] == [5]
        assert answers(store)[0]["applied"] == d.journal[0].to_json()

    def test_one_that_cannot_be_opened_is_said_at_the_first_look(self, tmp_path: Path):
        (tmp_path / "file").write_text("no store")
        channel = opened(f"dir:{tmp_path / 'file'}", dial())
        channel.boundary(0)
        with pytest.raises(InputError, match="must be a store of lrdecay"):
            channel.boundary(1)


def test_it_looks_at_the_store_at_most_once_a_second_and_a_hundredth_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = [0.0]
    looked: list[float] = []

    class Slow(Failing):
        def commands(self, run: str, after: int = 0) -> list[Command]:
            if run == "train":
                clock[0] += 0.05
                looked.append(clock[0])
            return self.store.commands(run, after)

    with open_store(f"dir:{tmp_path / 'store'}") as kept:
        slow = Slow(kept)
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])
        channel = Channel(dial(), "x", lambda: slow, name="train")
        for t in range(900):
            clock[0] += 0.1
            channel.boundary(t)
    assert looked[0] >= 1.0  # a run that ends within a second writes nothing
    gaps = np.diff(looked[2:])  # the first two are of the opening
    assert gaps.min() >= 5.0
    assert len(looked) >= 10


def test_a_run_that_ends_within_a_second_leaves_nothing_behind(tmp_path: Path):
    channel = opened(str(tmp_path / "x.db"), dial())
    run_to(channel, 50)
    channel.finish(STEPS)
    assert list(tmp_path.iterdir()) == []


class World:
    """Ranks as threads: what the first says, all hear."""

    def __init__(self, size: int) -> None:
        self.size, self.boxes = size, [queue.Queue[Any]() for _ in range(size)]
        self.calls = 0

    def of(self, rank: int) -> Callable[[Any], Any]:
        def say(value: Any) -> Any:
            if rank == 0:
                self.calls += 1
                for box in self.boxes[1:]:
                    box.put(value)
                return value
            return self.boxes[rank].get(timeout=20)

        return say


def all_ranks(place: str, dials: list[Dial], body: Callable[[Channel, int], None]) -> tuple[World, list[Any]]:
    world, ended = World(len(dials)), [None] * len(dials)

    def one(rank: int) -> None:
        channel = opened(place, dials[rank], broadcast=world.of(rank), first=rank == 0)
        try:
            body(channel, rank)
        except (InputError, RunError) as problem:
            ended[rank] = problem

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(len(dials))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return world, ended


@pytest.mark.usefixtures("often")
def test_a_command_holds_from_the_same_update_on_all_ranks(place: str, store: Store, killed: Any):
    dials = [dial(), dial(), dial()]

    def body(channel: Channel, rank: int) -> None:
        run_to(channel, 5)
        if rank == 0:
            tell(store, do="drop")
        run_to(channel, 40, 5)

    _, ended = all_ranks(place, dials, body)
    assert ended == [None] * 3
    assert len(dials[0].journal) == 1
    assert dials[0].journal == dials[1].journal == dials[2].journal
    assert dials[0].life == dials[1].life == dials[2].life

    killed()
    again = [dial(), dial()]
    for one in again:  # from a checkpoint of before the drop
        one.load({"journal": [], "rule": None, "life": dials[0].life})
    _, ended = all_ranks(place, again, lambda channel, _: run_to(channel, 9, 3) and None)
    assert ended == [None, None]
    assert again[0].journal == again[1].journal == dials[0].journal


def test_ranks_exchange_the_more_rarely_the_faster_they_step(tmp_path: Path):
    world, ended = all_ranks(str(tmp_path / "x.db"), [dial(), dial()], lambda channel, _: run_to(channel, 900) and None)
    assert ended == [None, None]
    assert world.calls <= 12


@pytest.mark.usefixtures("often")
def test_what_the_first_rank_cannot_do_all_hear(tmp_path: Path):
    (tmp_path / "file").write_text("no store")
    _, ended = all_ranks(f"dir:{tmp_path / 'file'}", [dial(), dial()], lambda channel, _: run_to(channel, 9) and None)
    assert all("must be a store of lrdecay" in str(problem) for problem in ended)


@pytest.mark.usefixtures("often")
def test_ranks_at_different_steps_are_an_error(place: str):
    _, ended = all_ranks(place, [dial(), dial()], lambda channel, rank: channel.boundary(5 + rank))
    assert "5 on the first and 6 on this one" in str(ended[1])
