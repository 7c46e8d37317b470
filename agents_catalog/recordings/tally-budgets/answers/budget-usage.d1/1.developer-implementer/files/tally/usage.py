"""How a month stands against its budgets."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tally.book import Book
from tally.budget import Budget
from tally.expense import Expense
from tally.month import Month

NEAR_PERCENT = 80


class Level(StrEnum):
    """How worried one should be."""

    FINE = "fine"
    NEAR = "near"
    OVER = "over"


@dataclass(frozen=True)
class Usage:
    """What was spent of one budget in one month."""

    budget: Budget
    spent: Decimal

    @property
    def remaining(self) -> Decimal:
        """What is left; below zero when it was overspent."""
        return self.budget.limit - self.spent

    @property
    def percent(self) -> int:
        """The part that is spent, rounded down: 100 means that nothing is left."""
        return int(self.spent * 100 / self.budget.limit)

    @property
    def level(self) -> Level:
        """Whether the budget holds."""
        if self.spent > self.budget.limit:
            return Level.OVER
        return Level.NEAR if self.percent >= NEAR_PERCENT else Level.FINE

    def to_json(self) -> dict[str, Any]:
        """The usage as the service writes it."""
        return {
            **self.budget.to_json(),
            "spent": str(self.spent),
            "remaining": str(self.remaining),
            "percent": self.percent,
            "level": self.level.value,
        }


def budget_usage(budget: Budget, expenses: Iterable[Expense], month: Month) -> Usage:
    """What the month's expenses took of a budget."""
    amounts = (
        expense.amount
        for expense in expenses
        if expense.category == budget.category and expense.day in month
    )
    return Usage(budget, sum(amounts, Decimal("0.00")))


def month_usage(book: Book, month: Month) -> list[Usage]:
    """Every budget's usage, the one nearest its limit first."""
    usages = (
        budget_usage(budget, book.expenses, month) for budget in book.budgets.values()
    )
    return sorted(usages, key=lambda usage: (-usage.percent, usage.budget.category))
