"""``shipline``, and ``python -m console``, which is the same."""

from __future__ import annotations

import sys

import typer

from console.out import fail
from shipline.errors import ShiplineError


def main() -> None:
    """The entry point: every error of ours is one sentence, what to do, and an exit code."""
    try:
        _program()()
    except ShiplineError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(130)


def _program() -> typer.Typer:
    """Every command; for a runner, which calls four of them a step, those alone: the others take a while to import."""
    if sys.argv[1:2] == ["step"]:
        from console.commands_step import app as step

        return step
    from console.cli import app

    return app


if __name__ == "__main__":
    main()
