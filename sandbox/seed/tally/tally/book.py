"""The book: everything Tally knows, in memory."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Self

from tally.errors import NotFoundError
from tally.expense import Expense


@dataclass
class Book:
    """All expenses, in the order they were written down."""

    expenses: list[Expense] = field(default_factory=list)
    next_id: int = 1

    def add(self, day: date, category: str, amount: Decimal, note: str = "") -> Expense:
        """Write an expense down. Ids are never used twice."""
        expense = Expense(self.next_id, day, category, amount, note)
        self.expenses.append(expense)
        self.next_id += 1
        return expense

    def remove(self, expense_id: int) -> Expense:
        """Strike an expense out."""
        for expense in self.expenses:
            if expense.id == expense_id:
                self.expenses.remove(expense)
                return expense
        raise NotFoundError(f"there is no expense {expense_id}")

    def to_json(self) -> dict[str, Any]:
        """The book as the file holds it."""
        return {
            "next_id": self.next_id,
            "expenses": [expense.to_json() for expense in self.expenses],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The book that ``to_json`` wrote."""
        return cls(
            expenses=[Expense.from_json(item) for item in data.get("expenses", [])],
            next_id=data.get("next_id", 1),
        )
