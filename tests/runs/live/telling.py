"""Somebody who tells the run "small" one thing after another, and notes what came of each; `killing` kills it.

python telling.py STORE NOTES SEED
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import lrdecay
from lrdecay.errors import LrdecayError


def main() -> None:
    """Tell, wait for the answer, note it; what is refused is tried again with something else."""
    store, notes, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(seed)
    with notes.open("a", encoding="utf-8", buffering=1) as noted:
        while True:
            asked: dict[str, Any] = draw.choice(
                [
                    {"set": round(draw.uniform(0.005, 0.05), 4)},
                    {"scale": round(draw.uniform(0.7, 1.3), 2)},
                    {"undo": True},
                    {"hold": True},
                    {"cooldown": "40%", "floor": 0.001, "shape": "cosine"},
                ]
            )
            if "hold" not in asked and "cooldown" not in asked:
                asked["ramp"] = draw.choice([0, 3, 40])
            try:
                told = lrdecay.steer("small", store=store, wait=2.0, **asked)
                noted.write(json.dumps({"sequence": told.sequence, "edit": told.edit and dict(told.edit)}) + "\n")
            except LrdecayError:  # dead, not yet there, nothing to undo
                time.sleep(0.05)
            time.sleep(draw.uniform(0.0, 0.1))


if __name__ == "__main__":
    main()
