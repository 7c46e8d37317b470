"""``tally budget set``, ``list`` and ``remove``."""

import argparse
from typing import Any

from tally.budget import Budget
from tally.expense import parse_category
from tally.money import format_amount, parse_amount
from tally.store import Store


def register_budgets(commands: Any, common: argparse.ArgumentParser) -> None:
    """Bring the commands to the parser."""
    budget = commands.add_parser("budget", help="set, show and remove monthly budgets")
    actions = budget.add_subparsers(metavar="ACTION", required=True)

    put = actions.add_parser("set", parents=[common], help="set or change a budget")
    put.add_argument("category", help="of what, such as food")
    put.add_argument("limit", help="how much a month, such as 200")
    put.set_defaults(run=run_set)

    show = actions.add_parser("list", parents=[common], help="show the budgets")
    show.set_defaults(run=run_list)

    remove = actions.add_parser("remove", parents=[common], help="remove a budget")
    remove.add_argument("category", help="of what, such as food")
    remove.set_defaults(run=run_remove)


def run_set(args: argparse.Namespace, store: Store) -> int:
    """``tally budget set``."""
    category, limit = parse_category(args.category), parse_amount(args.limit)
    with store.change() as book:
        budget = book.set_budget(category, limit)
    print(describe(budget))
    return 0


def run_list(_args: argparse.Namespace, store: Store) -> int:
    """``tally budget list``."""
    budgets = store.load().budgets
    for category in sorted(budgets):
        print(describe(budgets[category]))
    return 0


def run_remove(args: argparse.Namespace, store: Store) -> int:
    """``tally budget remove``."""
    with store.change() as book:
        budget = book.remove_budget(parse_category(args.category))
    print(f"removed {describe(budget)}")
    return 0


def describe(budget: Budget) -> str:
    """One budget on one line."""
    return f"{budget.category}  {format_amount(budget.limit)} a month"
