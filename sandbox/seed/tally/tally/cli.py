"""The command line: ``tally COMMAND``. Each ``*_commands`` module brings its own."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tally import __version__
from tally.errors import TallyError
from tally.expense_commands import register_expenses
from tally.report_commands import register_report
from tally.serve_command import register_serve
from tally.store import Store

REGISTER = (
    register_expenses,
    register_report,
    register_serve,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command in it."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("TALLY_DATA", "tally.json")),
        metavar="FILE",
        help="the file to keep expenses in (default: $TALLY_DATA or tally.json)",
    )
    parser = argparse.ArgumentParser(
        prog="tally", description="Keep track of what you spend."
    )
    parser.add_argument("--version", action="version", version=f"tally {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for register in REGISTER:
        register(commands, common)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when it did what was asked."""
    args = build_parser().parse_args(argv)
    try:
        code: int = args.run(args, Store(args.data))
    except TallyError as error:
        print(f"tally: {error}", file=sys.stderr)
        return 2
    return code
