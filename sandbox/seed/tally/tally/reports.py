"""Questions about the book."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tally.errors import TallyError
from tally.expense import Expense


def in_month(expenses: Iterable[Expense], month: str) -> list[Expense]:
    """The expenses of one month, written as ``2026-11``."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise TallyError(f"{month!r} is not a month such as 2026-11") from None
    return [
        expense
        for expense in expenses
        if (expense.day.year, expense.day.month) == (first.year, first.month)
    ]


def totals(expenses: Iterable[Expense]) -> dict[str, Decimal]:
    """What each category cost, the dearest first."""
    sums: dict[str, Decimal] = {}
    for expense in expenses:
        sums[expense.category] = sums.get(expense.category, Decimal(0)) + expense.amount
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
