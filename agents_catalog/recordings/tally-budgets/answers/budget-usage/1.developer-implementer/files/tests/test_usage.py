"""A month against its budgets."""

import unittest
from datetime import date
from decimal import Decimal

from tally.book import Book
from tally.budget import Budget
from tally.month import Month
from tally.usage import Level, Usage, month_usage

NOVEMBER = Month(2026, 11)


class UsageTest(unittest.TestCase):
    def usage(self, spent: str) -> Usage:
        return Usage(Budget("food", Decimal("50.00")), Decimal(spent))

    def test_it_warns_from_80_percent_and_says_over_only_above_the_limit(self) -> None:
        self.assertEqual(self.usage("0.00").level, Level.FINE)
        self.assertEqual(self.usage("39.99").level, Level.FINE)
        self.assertEqual(self.usage("40.00").level, Level.NEAR)
        self.assertEqual(self.usage("50.00").level, Level.NEAR)
        self.assertEqual(self.usage("50.01").level, Level.OVER)

    def test_percent_is_rounded_down(self) -> None:
        self.assertEqual(self.usage("49.99").percent, 99)

    def test_what_remains_may_be_below_zero(self) -> None:
        self.assertEqual(self.usage("62.50").remaining, Decimal("-12.50"))

    def test_amounts_travel_as_texts(self) -> None:
        self.assertEqual(
            self.usage("42.50").to_json(),
            {
                "category": "food",
                "limit": "50.00",
                "spent": "42.50",
                "remaining": "7.50",
                "percent": 85,
                "level": "near",
            },
        )


class MonthUsageTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = Book()
        self.book.set_budget("food", Decimal("100.00"))

    def spend(self, amount: str, day: date, category: str = "food") -> None:
        self.book.add(day, category, Decimal(amount))

    def test_only_the_budgets_own_category_counts(self) -> None:
        self.spend("20.00", date(2026, 11, 3))
        self.spend("9.00", date(2026, 11, 3), "fun")
        [usage] = month_usage(self.book, NOVEMBER)
        self.assertEqual(usage.spent, Decimal("20.00"))

    def test_the_months_first_and_last_day_count(self) -> None:
        self.spend("1.00", date(2026, 10, 31))
        self.spend("20.00", date(2026, 11, 1))
        self.spend("40.00", date(2026, 11, 30))
        self.spend("2.00", date(2026, 12, 1))
        [usage] = month_usage(self.book, NOVEMBER)
        self.assertEqual(usage.spent, Decimal("60.00"))

    def test_the_budget_nearest_its_limit_comes_first(self) -> None:
        self.book.set_budget("fun", Decimal("10.00"))
        self.spend("50.00", date(2026, 11, 3))
        self.spend("9.00", date(2026, 11, 3), "fun")
        found = [usage.budget.category for usage in month_usage(self.book, NOVEMBER)]
        self.assertEqual(found, ["fun", "food"])
