"""What ``shipline`` runs: every error of ours is one sentence, what to do, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from console.out import fail
from shipline.errors import ShiplineError


def program() -> Callable[[], object]:
    """Every command; for a runner, which calls four of them a step, those alone: the others take a while to import."""
    if sys.argv[1:2] == ["step"]:
        from console.commands_step import app as step

        return step
    from console.cli import app

    return app


def run(app: Callable[[], object]) -> None:
    """Do what was typed, and exit."""
    try:
        app()
    except ShiplineError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)
