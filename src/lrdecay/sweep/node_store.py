"""What the executor asks of a store, so that no node is trained twice, and under which key it keeps one.

A key is the identity of the state at a node's end. The store keeps the first node put under a key, and one that was cut
from another tree may not say all that this tree asks (`lrdecay.sweep.assembly.fits`): it began later, or nobody
measured where this one is measured. Then this one is kept beside it, under a key of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from lrdecay.runs.trace import Trace
from lrdecay.sweep.assembly import Trained, fits
from lrdecay.sweep.tree import Node

__all__ = ["NodeStore", "own_key", "seek"]


class NodeStore(Protocol):
    """The part of `lrdecay.runs.store.protocol.Store` that holds nodes."""

    def node(self, key: str) -> tuple[Mapping[str, Any], Trace] | None:
        """The record and the trace of a finished node."""

    def put_node(self, key: str, record: Mapping[str, Any], trace: Trace) -> None:
        """Keep a finished node, on disk before this returns; where one is kept under the key, that one stands."""


def seek(store: NodeStore, node: Node) -> tuple[str, Trained | None]:
    """The key a node is kept under, or is to be kept under; and what is kept, if it says all that is asked.

    Raises:
        RunError: what is kept is damaged.
    """
    kept = store.node(node.key)
    if kept is None or fits(node, kept[0]):
        return node.key, kept
    mine = own_key(node)
    kept = store.node(mine)
    return mine, kept


def own_key(node: Node) -> str:
    """A key for what this node asks of the way to its end, beside the key of its end."""
    asked = json.dumps([node.start, list(node.marks), bool(node.ends)])
    return f"{node.key}.{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
