"""``tally add``, ``list`` and ``remove``."""

import argparse
from datetime import date
from typing import Any

from tally.expense import Expense, parse_category, parse_day
from tally.money import format_amount, parse_amount
from tally.reports import in_month
from tally.store import Store


def register_expenses(commands: Any, common: argparse.ArgumentParser) -> None:
    """Bring the commands to the parser."""
    add = commands.add_parser("add", parents=[common], help="write an expense down")
    add.add_argument("amount", help="how much, such as 12.50")
    add.add_argument("category", help="on what, such as food")
    add.add_argument("--day", metavar="YYYY-MM-DD", help="when (default: today)")
    add.add_argument("--note", default="", help="anything worth remembering")
    add.set_defaults(run=run_add)

    show = commands.add_parser("list", parents=[common], help="show the expenses")
    show.add_argument("--month", metavar="YYYY-MM", help="only those of one month")
    show.set_defaults(run=run_list)

    remove = commands.add_parser("remove", parents=[common], help="strike one out")
    remove.add_argument("id", type=int, help="its number, as the list shows it")
    remove.set_defaults(run=run_remove)


def run_add(args: argparse.Namespace, store: Store) -> int:
    """``tally add``."""
    day = parse_day(args.day) if args.day else date.today()
    category, amount = parse_category(args.category), parse_amount(args.amount)
    with store.change() as book:
        expense = book.add(day, category, amount, args.note)
    print(describe(expense))
    return 0


def run_list(args: argparse.Namespace, store: Store) -> int:
    """``tally list``."""
    expenses = store.load().expenses
    if args.month:
        expenses = in_month(expenses, args.month)
    for expense in sorted(expenses, key=lambda item: (item.day, item.id)):
        print(describe(expense))
    return 0


def run_remove(args: argparse.Namespace, store: Store) -> int:
    """``tally remove``."""
    with store.change() as book:
        expense = book.remove(args.id)
    print(f"removed {describe(expense)}")
    return 0


def describe(expense: Expense) -> str:
    """One expense on one line."""
    parts = [
        str(expense.id),
        expense.day.isoformat(),
        expense.category,
        format_amount(expense.amount),
        expense.note,
    ]
    return "  ".join(part for part in parts if part)
