"""What is wrong with what a store holds, whatever store it is."""

from __future__ import annotations

from collections.abc import Iterable

from cattrs.errors import BaseValidationError

from lrdecay.errors import RunError
from lrdecay.runs.store.records import Sealed, result_from

__all__ = ["of_contents", "of_numbers"]


def of_contents(nodes: Iterable[tuple[str, Sealed]], results: Iterable[tuple[str, Sealed]]) -> list[str]:
    """Every node opens; every result opens, is the one it is kept as, and has its nodes. Nodes are read first."""
    wrong, keys = [], set()
    for key, sealed in nodes:
        keys.add(key)
        try:
            sealed.opened(f"node {key}")
        except RunError as problem:
            wrong.append(str(problem))
    for identity, sealed in results:
        try:
            record, trace = sealed.opened(f"result {identity}")
            found = result_from(record, trace).identity
        except RunError as problem:
            wrong.append(str(problem))
            continue
        except (BaseValidationError, KeyError, TypeError) as problem:
            wrong.append(f"result {identity} is not the record of a run: {problem!r}")
            continue
        if found != identity:
            wrong.append(f"result {identity} is kept under another run's identity: its own is {found}")
        wrong += [f"result {identity} lacks its node {key}" for key in record["nodes"] if key not in keys]
    return wrong


def of_numbers(what: str, found: Iterable[int], last: int) -> list[str]:
    """The numbers are 1, 2, ..., last, each once."""
    numbers = sorted(found)
    return [] if numbers == list(range(1, last + 1)) else [f"{what} must be numbered 1 to {last}, got {numbers[:20]}"]
