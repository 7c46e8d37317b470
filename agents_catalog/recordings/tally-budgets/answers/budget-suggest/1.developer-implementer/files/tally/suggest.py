"""A budget suggested from what a category cost before."""

from decimal import ROUND_CEILING, Decimal

from tally.book import Book
from tally.errors import TallyError
from tally.month import Month

MONTHS = 3
STEP = Decimal(10)


def suggest(book: Book, category: str, month: Month) -> Decimal:
    """The mean of the three months before ``month``, rounded up to the next ten."""
    spent = Decimal(0)
    for _ in range(MONTHS):
        month = month.previous
        spent += sum(
            expense.amount
            for expense in book.expenses
            if expense.category == category and expense.day in month
        )
    if not spent:
        raise TallyError(f"{category} cost nothing in the {MONTHS} months before")
    steps = (spent / MONTHS / STEP).to_integral_value(ROUND_CEILING)
    return steps * STEP
