"""Suggested budgets."""

import unittest
from datetime import date
from decimal import Decimal

from tally.book import Book
from tally.errors import TallyError
from tally.month import Month
from tally.suggest import suggest
from tests.support import StoreCase


class SuggestTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = Book()

    def spend(self, amount: str, day: date, category: str = "food") -> None:
        self.book.add(day, category, Decimal(amount))

    def test_it_is_the_mean_of_three_months_rounded_up_to_ten(self) -> None:
        self.spend("100.00", date(2026, 8, 1))
        self.spend("120.00", date(2026, 9, 15))
        self.spend("110.30", date(2026, 10, 31))
        self.assertEqual(suggest(self.book, "food", Month(2026, 11)), Decimal(120))

    def test_an_even_mean_stays(self) -> None:
        self.spend("90.00", date(2026, 10, 1))
        self.assertEqual(suggest(self.book, "food", Month(2026, 11)), Decimal(30))

    def test_other_months_and_categories_do_not_count(self) -> None:
        self.spend("30.00", date(2026, 10, 1))
        self.spend("900.00", date(2026, 7, 31))
        self.spend("900.00", date(2026, 11, 1))
        self.spend("900.00", date(2026, 10, 1), "rent")
        self.assertEqual(suggest(self.book, "food", Month(2026, 11)), Decimal(10))

    def test_in_january_it_looks_at_the_year_before(self) -> None:
        self.spend("30.00", date(2025, 12, 31))
        self.assertEqual(suggest(self.book, "food", Month(2026, 1)), Decimal(10))

    def test_without_expenses_there_is_nothing_to_suggest(self) -> None:
        with self.assertRaisesRegex(TallyError, "food cost nothing in the 3 months"):
            suggest(self.book, "food", Month(2026, 11))


class SuggestCommandTest(StoreCase):
    def test_it_prints_the_command_and_sets_nothing(self) -> None:
        self.tally("add", "95", "eating out", "--day", "2026-10-03")
        ran = self.tally("budget", "suggest", "eating out", "--month", "2026-11")
        self.assertEqual(ran, (0, "tally budget set 'eating out' 40.00\n", ""))
        self.assertEqual(self.tally("budget", "list").out, "")

    def test_this_month_is_meant_unless_another_is_named(self) -> None:
        self.assertEqual(self.tally("budget", "suggest", "food").code, 2)
