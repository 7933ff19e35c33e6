"""``lrdecay studies``: what was compared here, and whether it is whole."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lrdecay.cli.options import Json, Store, print_json
from lrdecay.errors import InputError, refusal

__all__ = ["studies_command"]


def studies_command(
    check: Annotated[str | None, typer.Argument(metavar="[check", help="Check a study.", show_default=False)] = None,
    study: Annotated[str | None, typer.Argument(metavar="STUDY]", help="Its id or folder.", show_default=False)] = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """List the studies kept here, or check that all that is kept of one is whole (exit 1 if it is not).

    Example: lrdecay studies

    Example: lrdecay studies check 0123456789ab
    """
    from lrdecay.verbs.studies import check_study, studies

    if check is not None:
        if check != "check" or study is None:
            msg = refusal("lrdecay studies", "must be followed by nothing or by check STUDY", f"{check} {study or ''}")
            raise InputError(msg)
        wrong = check_study(study, store)
        if json:
            print_json({"problems": wrong})
        else:
            sys.stdout.write("".join(f"{line}\n" for line in wrong or ["nothing is wrong"]))
        if wrong:
            raise typer.Exit(1)
        return
    found = studies(store)
    if json:
        print_json({"studies": found})
        return
    for row in found:
        sys.stdout.write(f"{row['id']}  {row['state']:11}  {row['created'][:16]}  {row['runs']:4} runs  {row['task']}")
        sys.stdout.write(f"  {row['folder']}\n")
    if not found:
        sys.stdout.write("no studies here\n")
