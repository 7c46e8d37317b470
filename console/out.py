"""Saying things: to a person on a terminal, or to a script as JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from shipline.errors import ShiplineError
from shipline.redact import redact_text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(error: ShiplineError) -> int:
    """Print an error as a sentence and what to do; returns the exit code."""
    err.print(f"[red]Error:[/red] {_plain(error.message)}")
    if error.hint:
        err.print(f"  {_plain(error.hint)}")
    return error.exit_code


def say_json(value: Any) -> None:
    """One JSON document on one line of standard output."""
    print(json.dumps(value, ensure_ascii=False, default=str))


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(redact_text(text))
