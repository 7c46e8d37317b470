"""A month's spending against its budgets, as CSV."""

import csv
import io
from collections.abc import Iterator

from tally.book import Book
from tally.month import Month
from tally.reports import in_month, totals
from tally.usage import month_usage

COLUMNS = ("month", "category", "budget", "spent", "remaining", "percent", "level")


def month_csv(book: Book, month: Month) -> str:
    """A header and a row for each category that has a budget or an expense."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows(book, month))
    return text.getvalue()


def rows(book: Book, month: Month) -> Iterator[tuple[object, ...]]:
    """The rows by category; what has no budget leaves the budget's columns empty."""
    usages = {usage.budget.category: usage for usage in month_usage(book, month)}
    sums = totals(in_month(book.expenses, str(month)))
    for category in sorted(usages.keys() | sums.keys()):
        if usage := usages.get(category):
            yield (
                month,
                category,
                usage.budget.limit,
                usage.spent,
                usage.remaining,
                usage.percent,
                usage.level.value,
            )
        else:
            yield month, category, "", sums[category], "", "", ""
