"""`lrdecay`: the entry point, and what happens to errors.

Exit codes: 0 done; 1 the work failed (`RunError`); 2 bad input (`InputError`, or a misspelt option); 130 interrupted.
An error is one line on standard error, without a traceback; a traceback means a bug in lrdecay.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from lrdecay.cli.compare import compare_command
from lrdecay.cli.convert import convert_command
from lrdecay.cli.cooldown import cooldown_command
from lrdecay.cli.extend import extend_command
from lrdecay.cli.find import find_command
from lrdecay.cli.forecast import forecast_command
from lrdecay.cli.lab import lab_app
from lrdecay.cli.options import spread
from lrdecay.cli.resume import resume_command
from lrdecay.cli.show import show_command
from lrdecay.cli.steer import steer_command
from lrdecay.cli.studies import studies_command
from lrdecay.cli.tasks import tasks_command
from lrdecay.cli.train import train_command
from lrdecay.errors import InputError, LrdecayError

__all__ = ["app", "main"]

_UsageProblem: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
"""click's root exception, wherever this version of typer keeps its click."""

_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Which learning rate, decayed how, and when? A measured answer.",
)


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        sys.stdout.write(f"lrdecay {importlib.metadata.version('lrdecay')}\n")
    elif context.invoked_subcommand is None:
        sys.stdout.write(context.get_help() + "\n")


app.command("show")(show_command)
app.command("find")(find_command)
app.command("train")(train_command)
app.command("compare")(compare_command)
app.command("cooldown")(cooldown_command)
app.command("extend")(extend_command)
app.command("forecast")(forecast_command)
app.command("steer")(steer_command)
app.command("resume")(resume_command)
app.command("studies")(studies_command)
app.command("convert")(convert_command)
app.command("tasks")(tasks_command)
app.add_typer(lab_app, name="lab")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; gives the exit code."""
    command = typer.main.get_command(app)
    try:
        code = command.main(spread(arguments), prog_name="lrdecay", standalone_mode=False)
    except typer.Exit as leave:
        return int(leave.exit_code)
    except _UsageProblem as problem:
        return _say(problem.format_message(), 2)  # type: ignore[attr-defined]
    except InputError as problem:
        return _say(str(problem), 2)
    except LrdecayError as problem:
        return _say(str(problem), 1)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except BrokenPipeError:
        return 0
    except OSError as problem:  # a full disk, a folder that may not be written
        return _say(
            f"{problem.strerror or problem}: {problem.filename or 'no file named'}. What was finished is kept.", 1
        )
    if code == _INTERRUPTED:  # typer's code for Ctrl-C
        return _say("interrupted; what was finished is kept, and the same command goes on from there.", _INTERRUPTED)
    return int(code or 0)


def _say(what: str, code: int) -> int:
    line = " ".join(what.split())
    if line:
        sys.stderr.write(f"lrdecay: {line}\n")
    return code
