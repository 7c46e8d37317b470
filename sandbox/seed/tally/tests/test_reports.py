"""Questions about the book."""

import unittest
from datetime import date
from decimal import Decimal

from tally.book import Book
from tally.errors import TallyError
from tally.reports import in_month, totals


class ReportsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = Book()
        self.book.add(date(2026, 10, 31), "food", Decimal("9.00"))
        self.book.add(date(2026, 11, 1), "food", Decimal("4.50"))
        self.book.add(date(2026, 11, 30), "rent", Decimal("700.00"))
        self.book.add(date(2026, 11, 30), "fun", Decimal("4.50"))

    def test_a_month_has_its_first_and_its_last_day(self) -> None:
        found = in_month(self.book.expenses, "2026-11")
        self.assertEqual([expense.id for expense in found], [2, 3, 4])

    def test_odd_months_are_refused(self) -> None:
        for month in ("2026-13", "november", "2026", ""):
            with self.subTest(month=month), self.assertRaises(TallyError):
                in_month(self.book.expenses, month)

    def test_totals_start_with_the_dearest(self) -> None:
        sums = totals(in_month(self.book.expenses, "2026-11"))
        self.assertEqual(list(sums), ["rent", "food", "fun"])
        self.assertEqual(sums["rent"], Decimal("700.00"))
