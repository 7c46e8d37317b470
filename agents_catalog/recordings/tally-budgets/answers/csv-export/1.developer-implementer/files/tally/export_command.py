"""``tally export``."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from tally.errors import TallyError
from tally.export import month_csv
from tally.month import Month
from tally.store import Store


def register_export(commands: Any, common: argparse.ArgumentParser) -> None:
    """Bring the command to the parser."""
    export = commands.add_parser(
        "export", parents=[common], help="write a month against its budgets as CSV"
    )
    export.add_argument("--month", metavar="YYYY-MM", help="which (default: this one)")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: stdout")
    export.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, store: Store) -> int:
    """``tally export``."""
    month = Month.parse(args.month) if args.month else Month.of(date.today())
    text = month_csv(store.load(), month)
    if args.output is None:
        print(text, end="")
        return 0
    try:
        args.output.write_text(text, "utf-8")
    except OSError as error:
        raise TallyError(f"{args.output} cannot be written: {error.strerror}") from None
    print(f"wrote {args.output}")
    return 0
