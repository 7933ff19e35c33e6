"""What every store promises, tested on every store."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pytest
from attrs import evolve

from lrdecay.errors import InputError
from lrdecay.runs.spec import Divergence, RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import ConflictError, Member, Store, StudyRecord, study_id
from lrdecay.runs.trace import Trace

T = TypeVar("T")
NAN, INF = float("nan"), float("inf")
STUDY = StudyRecord({"task": "digits", "schedules": ["cosine(0.1)"], "limit": INF}, "lrdecay compare digits")
BAD_NAMES = ["", ".hidden", "../up", "a/b", "a b", "x" * 129, "ü", "a\n", "-x"]


@pytest.fixture
def store(where: str) -> Iterator[Store]:
    with open_store(where) as opened:
        yield opened


def a_trace(n: int = 6) -> Trace:
    odd = np.array([NAN, INF, -INF, 5e-324, -0.0, 0.1])[:n]
    return Trace(np.arange(n) + 7, np.full(n, NAN), np.linspace(0, 1, n) / 3, odd, {'top-5, "é"': odd[::-1].copy()})


def a_result(identity: str = "r1", **changes: object) -> RunResult:
    result = RunResult(
        identity=identity,
        seed=3,
        schedule='step(0.1, every="10ep")',
        metric="accuracy",
        goal="max",
        score=0.1 + 0.2,
        metrics={"accuracy": 0.1 + 0.2, "loss": INF},
        trace=a_trace(),
        seconds=1.25,
        notes=("one", "twö"),
    )
    return evolve(result, **changes)


def bits(t: Trace) -> dict[str, tuple[str, bytes]]:
    columns = {"step": t.step, "epoch": t.epoch, "rate": t.rate, "loss": t.loss, **t.metrics}
    return {name: (str(c.dtype), c.tobytes()) for name, c in columns.items()}


def at_once(where: str, tasks: list[Callable[[Store], T]]) -> list[T]:
    """Each task with a store of its own, all begun together."""
    gate = threading.Barrier(len(tasks))

    def run(task: Callable[[Store], T]) -> T:
        try:
            with open_store(where) as store:
                gate.wait()
                return task(store)
        except BaseException:
            gate.abort()  # or the others would wait for ever
            raise

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(run, task) for task in tasks]]


class TestStudies:
    def test_a_study_is_found_by_the_hash_of_its_question_and_keeps_its_age(self, store: Store) -> None:
        assert store.study(STUDY.id) is None
        store.put_study(STUDY)
        again = StudyRecord(dict(STUDY.question), "another command", "2099-01-01", "finished")
        assert (
            again.id == STUDY.id == study_id(json.loads('{"schedules":["cosine(0.1)"],"limit":"inf","task":"digits"}'))
        )
        store.put_study(again)
        found = store.study(STUDY.id)
        assert found is not None
        assert (found.created, found.command, found.state) == (STUDY.created, "another command", "finished")
        assert found.question == {**STUDY.question, "limit": "inf"}

    def test_studies_come_the_oldest_first(self, store: Store) -> None:
        studies = [StudyRecord({"n": n}, "c", created) for n, created in enumerate(["2026-03", "2026-01", "2026-02"])]
        for study in studies:
            store.put_study(study)
        assert [s.question["n"] for s in store.studies()] == [1, 2, 0]

    def test_members_are_kept_once_and_in_one_order_whatever_order_they_came_in(self, store: Store) -> None:
        store.put_study(STUDY)
        members = [
            Member("id1", "cosine", "cosine(0.1)", 1, None, "score"),
            Member("id0", "cosine", "cosine(0.1)", 0, 0.1 + 0.2, "score"),
            Member("id0", "cosine", "cosine(0.1)", 0, 0.1 + 0.2, "pilot"),
            Member("id0", "Kosinus", "cosine(0.10)", 0, 0.1 + 0.2, "score"),
        ]
        store.add_members(STUDY.id, members[:2])
        store.add_members(STUDY.id, members)
        store.add_members(STUDY.id, [])
        assert store.members(STUDY.id) == [members[2], members[3], members[0], members[1]]
        assert store.members("000000000000") == []

    def test_a_study_that_is_not_there_has_no_members_and_no_provenance(self, store: Store) -> None:
        for put in (lambda: store.add_members("nope", []), lambda: store.add_provenance("nope", {})):
            with pytest.raises(InputError, match="must be the id of a study of this store, got 'nope'"):
                put()

    def test_provenance_is_kept_once_for_each_start_in_order(self, store: Store) -> None:
        store.put_study(STUDY)
        records = [{"command": "a", "versions": {"torch": "2"}}, {"command": "b"}]
        for record in [*records, records[0]]:
            store.add_provenance(STUDY.id, record)
        assert sorted(store.provenance(STUDY.id), key=lambda r: r["command"]) == records


class TestNodesAndResults:
    def test_a_node_comes_back_bit_for_bit_also_to_another_process(self, store: Store, where: str) -> None:
        assert store.node("k1") is None
        store.put_node("k1", {"score": INF, "deep": [{"x": NAN, "n": None, "t": True}], "i": 2**60}, a_trace())
        with open_store(where) as other:
            found = other.node("k1")
        assert found is not None
        record, trace = found
        assert record == {"score": "inf", "deep": [{"x": "nan", "n": None, "t": True}], "i": 2**60}
        assert bits(trace) == bits(a_trace())

    def test_put_again_the_first_node_stands(self, store: Store) -> None:
        store.put_node("k1", {"seconds": 1.0}, a_trace())
        store.put_node("k1", {"seconds": 2.0}, a_trace(3))
        found = store.node("k1")
        assert found is not None
        assert found[0] == {"seconds": 1.0}
        assert bits(found[1]) == bits(a_trace())

    @pytest.mark.parametrize(
        "result",
        [
            a_result(),
            a_result(score=NAN, diverged=Divergence(4, 0.3, "inf"), metrics={}),
            a_result(failure="`train.py` must exit with 0, got 1.", trace=a_trace(1)),
        ],
        ids=["scored", "diverged", "failed"],
    )
    def test_a_result_comes_back_whole(self, store: Store, result: RunResult) -> None:
        assert store.result("r1") is None
        store.put_result(result)
        store.put_result(evolve(result, seconds=99.0))
        found = store.result("r1")
        assert found is not None
        assert bits(found.trace) == bits(result.trace)
        assert repr(found) == repr(result)  # nan is not equal to itself

    def test_what_is_discarded_is_made_again(self, store: Store) -> None:
        store.put_node("k1", {}, a_trace())
        store.put_result(a_result("k1"))
        store.discard("k1")
        store.discard("k1")
        assert store.node("k1") is None
        assert store.result("k1") is None
        store.put_node("k1", {"n": 2}, a_trace())
        assert (store.node("k1") or ({},))[0] == {"n": 2}

    def test_a_name_that_is_none_is_refused_and_never_found(self, store: Store) -> None:
        for name in BAD_NAMES:
            for put in (
                lambda name=name: store.put_node(name, {}, a_trace()),
                lambda name=name: store.put_result(a_result(name)),
                lambda name=name: store.publish(name, "kind", {}),
                lambda name=name: store.publish("run", name, {}),
                lambda name=name: store.set_status(name, "kind", {}),
                lambda name=name: store.set_status("run", name, {}),
                lambda name=name: store.command(name, {}, by="me"),
            ):
                with pytest.raises(InputError, match="must be 1 to 128 letters, digits"):
                    put()
            assert store.node(name) is store.result(name) is store.study(name) is store.status(name, "kind") is None
            assert store.events(name) == store.commands(name) == []
        assert store.check() == []

    def test_what_is_not_json_is_refused_and_not_kept(self, store: Store) -> None:
        with pytest.raises(TypeError):
            store.put_node("k1", {"x": object()}, a_trace())
        assert store.node("k1") is None


class TestLiveRuns:
    def test_events_are_numbered_from_one_in_each_run_and_read_from_any_on(self, store: Store) -> None:
        assert store.events("a") == []
        assert [store.publish("a", "drop", {"lr": 0.1 / n}) for n in (1, 2, 3)] == [1, 2, 3]
        assert store.publish("b", "drop", {}) == 1
        found = store.events("a", after=1)
        assert [(e.run, e.sequence, e.kind, e.record) for e in found] == [
            ("a", 2, "drop", {"lr": 0.05}),
            ("a", 3, "drop", {"lr": 0.1 / 3}),
        ]
        assert store.events("a", after=3) == store.events("a", after=99) == []

    def test_a_status_is_the_last_of_its_kind_and_no_event(self, store: Store) -> None:
        assert store.status("a", "now") is None
        assert [store.set_status("a", "now", {"step": s}) for s in (10, 20)] == [1, 2]
        store.set_status("a", "other", {"loss": NAN})
        status, other = store.status("a", "now"), store.status("a", "other")
        assert status is not None
        assert other is not None
        assert (status.sequence, status.record, other.record) == (2, {"step": 20}, {"loss": "nan"})
        assert store.events("a") == []

    def test_the_runs_are_those_that_said_something(self, store: Store) -> None:
        store.command("told", {}, by="me")
        store.publish("said", "start", {})
        store.set_status("stands", "now", {})
        assert store.runs() == ["said", "stands"]

    def test_a_command_is_read_with_who_sent_it_and_answered_once(self, store: Store) -> None:
        assert store.command("a", {"set": 1e-4}, by="Zoë\n\ttwo lines") == 1
        assert store.command("a", {"undo": True}, by="b") == 2
        assert store.acknowledge("a", 2, {"refused": "nothing to undo"})
        assert not store.acknowledge("a", 2, {"applied": 1})
        first, second = store.commands("a")
        assert (first.record, first.by, first.outcome) == ({"set": 1e-4}, "Zoë\n\ttwo lines", None)
        assert second.outcome == {"refused": "nothing to undo"}
        assert store.commands("a", after=1) == [second]
        assert store.commands("b") == []

    @pytest.mark.parametrize(("run", "sequence"), [("a", 2), ("a", 0), ("b", 1), ("../a", 1)])
    def test_a_command_that_is_not_there_cannot_be_answered(self, store: Store, run: str, sequence: int) -> None:
        store.command("a", {}, by="me")
        with pytest.raises(InputError, match="must be the number of a command of this run"):
            store.acknowledge(run, sequence, {})
        assert store.check() == []

    def test_who_has_not_seen_the_last_command_is_told_and_sends_nothing(self, store: Store) -> None:
        assert store.command("a", {"n": 1}, by="ann", expected_last=0) == 1
        for seen in (0, 2):
            with pytest.raises(ConflictError, match=rf"must be 1, got {seen}. Somebody else told a something"):
                store.command("a", {"n": 2}, by="bob", expected_last=seen)
        assert store.command("a", {"n": 3}, by="bob", expected_last=1) == 2
        assert [c.record["n"] for c in store.commands("a")] == [1, 3]

    @pytest.mark.parametrize("by", ["\0", "\udc80", 3])
    def test_an_author_that_cannot_be_written_is_refused(self, store: Store, by: str) -> None:
        with pytest.raises(InputError, match="must be text that UTF-8 can write"):
            store.command("a", {}, by=by)

    @pytest.mark.parametrize("seen", [-1, 1.0, True])
    def test_an_expectation_that_is_no_number_is_refused(self, store: Store, seen: int) -> None:
        with pytest.raises(InputError, match="must be an integer >= 0"):
            store.command("a", {}, by="me", expected_last=seen)


class TestManyAtOnce:
    def test_a_new_store_is_made_once_by_many(self, where: str) -> None:
        at_once(where, [lambda s, n=n: s.publish(f"run{n}", "start", {}) for n in range(6)])
        with open_store(where) as store:
            assert store.runs() == [f"run{n}" for n in range(6)]
            assert store.check() == []

    def test_writers_get_different_numbers_without_a_gap(self, where: str) -> None:
        def write(store: Store, name: int) -> list[tuple[int, int]]:
            return [(store.command("a", {"n": [name, i]}, by=str(name)), i) for i in range(8)]

        numbers = at_once(where, [lambda s, n=n: write(s, n) for n in range(4)])
        with open_store(where) as store:
            found = {c.sequence: c.record["n"] for c in store.commands("a")}
            assert store.check() == []
        assert found == {number: [n, i] for n, mine in enumerate(numbers) for number, i in mine}
        assert sorted(found) == list(range(1, 33))

    def test_of_two_that_saw_the_same_one_wins_and_the_other_is_told(self, where: str) -> None:
        def send(store: Store, by: str) -> str:
            try:
                store.command("a", {}, by=by, expected_last=0)
            except ConflictError:
                return "lost"
            return by

        answers = at_once(where, [lambda s, n=n: send(s, f"w{n}") for n in range(4)])
        with open_store(where) as store:
            (winner,) = store.commands("a")
        assert sorted(answers) == ["lost", "lost", "lost", winner.by]

    def test_one_of_many_answers_a_command(self, where: str) -> None:
        with open_store(where) as store:
            store.command("a", {}, by="me")
        first = at_once(where, [lambda s, n=n: s.acknowledge("a", 1, {"n": n}) for n in range(4)])
        with open_store(where) as store:
            assert store.commands("a")[0].outcome == {"n": first.index(True)}
        assert first.count(True) == 1

    def test_a_reader_that_goes_on_where_it_stopped_misses_nothing(self, where: str) -> None:
        writers, each = 3, 8

        def write(store: Store) -> list[int]:
            return [store.publish("a", "row", {"i": i}) for i in range(each)]

        def follow(store: Store) -> list[int]:
            seen: list[int] = []
            until = time.monotonic() + 60
            while len(seen) < writers * each and time.monotonic() < until:
                seen += [e.sequence for e in store.events("a", after=seen[-1] if seen else 0)]
            return seen

        *_, seen = at_once(where, [*[write] * writers, follow])
        assert seen == list(range(1, writers * each + 1))

    def test_a_forked_child_writes_beside_its_parent(self, store: Store) -> None:
        store.publish("a", "start", {})
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                failed = 0 if store.publish("a", "child", {}) == 2 else 1
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.publish("a", "parent", {}) == 3
        assert [e.kind for e in store.events("a")] == ["start", "child", "parent"]


class TestCheck:
    def test_nothing_is_wrong_with_a_store_in_use(self, store: Store) -> None:
        assert store.check() == []
        store.put_study(STUDY)
        store.add_members(STUDY.id, [Member("r1", "cosine", "cosine(0.1)", 0, None, "score")])
        store.add_provenance(STUDY.id, {"command": "x"})
        store.put_node("k1", {}, a_trace())
        store.put_result(a_result(), nodes=["k1"])
        store.publish("a", "start", {})
        store.set_status("a", "now", {})
        store.command("a", {}, by="me")
        store.acknowledge("a", 1, {})
        assert store.check() == []

    def test_a_result_without_its_node_is_named(self, store: Store) -> None:
        store.put_node("k1", {}, a_trace())
        store.put_result(a_result(), nodes=["k1", "k2"])
        assert store.check() == ["result r1 lacks its node k2"]
