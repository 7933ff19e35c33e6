"""The bench: make what is missing, stage by stage, and report what is there. `protocol` says what and why."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench.rangetest.finds import known, peers, plain
from bench.rangetest.journal import Journal, Measurement
from bench.rangetest.protocol import write_text
from bench.rangetest.truth import truth

from lrdecay.sweep.pool import LocalPool

STAGES = {
    "truth": lambda to: truth(to, 1, constant=False),
    "peers": peers,
    "plain": plain,
    "constant": lambda to: truth(to, 1, constant=True),
    "truth4": lambda to: truth(to, 4, constant=False),
    "known": lambda to: known(to, 1),
    "loss": lambda to: known(to, 1, loss=True),
    "known4": lambda to: known(to, 4),
    "loss4": lambda to: known(to, 4, loss=True),
}
"""In the order in which they are made; the short ones first, so that a part of a measurement is a whole one of 1x."""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.rangetest", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"in order; all: {' '.join(STAGES)}")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="directory of the results")
    parser.add_argument("--only", nargs="+", default=(), metavar="TASK[/OPTIMIZER]", help="leave the rest to others")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="report what is there, and measure nothing")
    asked = parser.parse_args()
    unknown = [s for s in asked.stages if s not in STAGES]
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}")
    journal = Journal(asked.out)
    if not asked.report:
        write_text(asked.out)
        began = time.perf_counter()
        with LocalPool(asked.workers) as pool:
            for name in asked.stages or STAGES:
                STAGES[name](Measurement(pool, journal, asked.out, tuple(asked.only)))
                sys.stderr.write(f"{time.perf_counter() - began:5.0f} s  {name} done\n")
    from bench.rangetest.report import report

    report(journal)


if __name__ == "__main__":
    main()
