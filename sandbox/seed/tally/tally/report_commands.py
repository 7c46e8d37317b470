"""``tally report``."""

import argparse
from datetime import date
from decimal import Decimal
from typing import Any

from tally.money import format_amount
from tally.reports import in_month, totals
from tally.store import Store


def register_report(commands: Any, common: argparse.ArgumentParser) -> None:
    """Bring the command to the parser."""
    report = commands.add_parser(
        "report", parents=[common], help="show what each category cost"
    )
    report.add_argument("--month", metavar="YYYY-MM", help="which (default: this one)")
    report.set_defaults(run=run_report)


def run_report(args: argparse.Namespace, store: Store) -> int:
    """``tally report``."""
    month = args.month or f"{date.today():%Y-%m}"
    sums = totals(in_month(store.load().expenses, month))
    for category, amount in sums.items():
        print(f"{category:<20}{format_amount(amount):>12}")
    total = sum(sums.values(), Decimal(0))
    print(f"{'total':<20}{format_amount(total):>12}")
    return 0
