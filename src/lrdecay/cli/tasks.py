"""``lrdecay tasks``: what is built in."""

from __future__ import annotations

import sys

from lrdecay.cli.options import Json, print_json

__all__ = ["tasks_command"]


def tasks_command(json: Json = False) -> None:
    """List the built-in tasks: data, licence, cost of a run.

    Example: lrdecay tasks
    """
    from lrdecay.tasks import BUILTIN

    if json:
        from attrs import asdict

        print_json({"tasks": [asdict(task) for task in BUILTIN.values()]})
        return
    for task in BUILTIN.values():
        needs = "" if task.extra is None else f"; needs lrdecay[{task.extra}]"
        sys.stdout.write(f"{task.name:10} {task.description}\n")
        sys.stdout.write(f"{'':10} data: {task.data} ({task.licence}){needs}; about {task.seconds:.2g} s a run\n")
