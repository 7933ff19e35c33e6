"""A writer that is killed with -9 at random moments, and what must hold of the store afterwards.

A parent that has imported everything forks each writer, so that most of the time goes to writing and killing.
The writer puts nodes, results, members, events, a status, commands and their answers, and says on a pipe what has
returned: that much must be there, whole, whatever moment it was killed at.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import StudyRecord

WRITER = """
import os
import sys
import numpy as np
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.protocol import Member, StudyRecord
from lrdecay.runs.trace import Trace

def said(*words):
    sys.stdout.buffer.write((" ".join(map(str, words)) + "\\n").encode())
    sys.stdout.buffer.flush()

def write(where, start, n=60):
    with open_store(where) as store:
        study = StudyRecord({"q": 1}, "soak")
        said("open")
        for i in range(start, start + 100_000):
            trace = Trace(np.arange(n), np.full(n, np.nan), np.full(n, 0.1), np.full(n, float(i)))
            store.put_node(f"node{i}", {"i": i}, trace)
            said("node", i)
            store.put_result(RunResult(f"run{i}", i, "constant(0.1)", "loss", "min", i / 3, {}, trace), [f"node{i}"])
            said("result", i)
            store.put_study(study)
            store.add_members(study.id, [Member(f"run{i}", f"row{i}", "constant(0.1)", i, None, "score")])
            said("member", i)
            said("event", store.publish("live", "row", {"i": i}), i)
            said("status", store.set_status("live", "now", {"i": i}), i)
            said("command", store.command("live", {"i": i}, by="soak"), i)
            for command in store.commands("live"):
                if command.outcome is None:
                    first = store.acknowledge("live", command.sequence, {"i": command.record["i"]})
                    said("answer", command.sequence, int(first))

open_store(sys.argv[1]).close()  # imports what a store needs
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(sys.argv[1], int(line))
    said("child", child)
    os.waitpid(child, 0)
    said("dead")
"""


def kill_often(where: str, kills: int, seed: int, longest: float = 0.5) -> dict[str, int]:
    """Kill a writer over and over; returns how often each kind of thing was said to be kept.

    Args:
        where: the store.
        kills: how often.
        seed: of the moments.
        longest: seconds a writer lives after it has opened the store, at most.
    """
    moments, said = random.Random(seed), []
    command = [sys.executable, "-c", WRITER, where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for round_ in range(kills):
            print(round_ * 100_000, file=parent.stdin, flush=True)
            opened, pid = False, 0
            while not (opened and pid):
                words = parent.stdout.readline().split()
                assert words, "the parent died"
                opened |= words == ["open"]
                if words[0] == "child":
                    pid = int(words[1])
                elif words != ["open"]:
                    said.append(words)
            time.sleep(moments.uniform(0, longest))
            os.kill(pid, signal.SIGKILL)
            while (words := parent.stdout.readline().split()) != ["dead"]:
                assert words, "the parent died"
                said.append(words)
        parent.stdin.close()
    verify(where, said)
    return {kind: sum(words[0] == kind for words in said) for kind in sorted({words[0] for words in said})}


def verify(where: str, said: list[list[str]]) -> None:
    """Everything that was said to be kept is there, each command was answered first by one, and nothing is wrong."""
    numbers: dict[str, list[tuple[int, Any]]] = {}
    for kind, *words in said:
        numbers.setdefault(kind, []).append((int(words[0]), int(words[1]) if len(words) > 1 else None))
    with open_store(where) as store:
        assert store.check() == []
        for i, _ in numbers["node"]:
            found = store.node(f"node{i}")
            assert found is not None
            assert found[0] == {"i": i}
            assert found[1].loss.tolist() == [float(i)] * 60
        for i, _ in numbers["result"]:
            result = store.result(f"run{i}")
            assert result is not None
            assert result.score == i / 3
        members = {m.seed for m in store.members(StudyRecord({"q": 1}, "soak").id)}
        assert {i for i, _ in numbers["member"]} <= members
        events = {e.sequence: e.record["i"] for e in store.events("live")}
        assert set(numbers["event"]) <= set(events.items())
        commands = {c.sequence: c for c in store.commands("live")}
        assert set(numbers["command"]) <= {(n, c.record["i"]) for n, c in commands.items()}
        status = store.status("live", "now")
        assert status is not None
        assert status.sequence >= max(n for n, _ in numbers["status"])
        answers = [n for n, first in numbers["answer"] if first]
        assert len(answers) == len(set(answers))
        assert all(commands[n].outcome == {"i": commands[n].record["i"]} for n in answers)
        assert list(events) == list(range(1, len(events) + 1))
        assert list(commands) == list(range(1, len(commands) + 1))
