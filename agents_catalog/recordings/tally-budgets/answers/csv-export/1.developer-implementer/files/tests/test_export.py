"""The CSV of a month."""

import csv
import unittest
from datetime import date
from decimal import Decimal

from tally.book import Book
from tally.export import COLUMNS, month_csv
from tally.month import Month
from tests.support import StoreCase


class MonthCsvTest(unittest.TestCase):
    def setUp(self) -> None:
        self.book = Book()
        self.book.set_budget("rent", Decimal("700.00"))
        self.book.set_budget("food", Decimal("200.00"))
        self.book.add(date(2026, 11, 1), "rent", Decimal("700.00"))
        self.book.add(date(2026, 11, 30), "fun & games", Decimal("9.50"))
        self.book.add(date(2026, 12, 1), "food", Decimal("3.00"))

    def test_a_month_reads_like_this(self) -> None:
        self.assertEqual(
            month_csv(self.book, Month(2026, 11)).splitlines(),
            [
                "month,category,budget,spent,remaining,percent,level",
                "2026-11,food,200.00,0.00,200.00,0,fine",
                "2026-11,fun & games,,9.50,,,",
                "2026-11,rent,700.00,700.00,0.00,100,near",
            ],
        )

    def test_it_is_read_back_by_the_csv_module(self) -> None:
        lines = month_csv(self.book, Month(2026, 12)).splitlines()
        [food, _] = csv.DictReader(lines)
        self.assertEqual(tuple(food), COLUMNS)
        self.assertEqual(food["spent"], "3.00")


class ExportCommandTest(StoreCase):
    def setUp(self) -> None:
        super().setUp()
        self.tally("add", "5", "food", "--day", "2026-11-03")

    def test_it_prints(self) -> None:
        ran = self.tally("export", "--month", "2026-11")
        self.assertEqual(ran.out.splitlines()[1], "2026-11,food,,5.00,,,")

    def test_it_writes_a_file(self) -> None:
        target = self.store.path.with_name("november.csv")
        ran = self.tally("export", "--month", "2026-11", "--output", str(target))
        self.assertEqual(ran.out, f"wrote {target}\n")
        self.assertEqual(len(target.read_text("utf-8").splitlines()), 2)

    def test_a_file_that_cannot_be_written_is_named(self) -> None:
        target = self.store.path.parent / "missing" / "november.csv"
        code, _, err = self.tally("export", "--output", str(target))
        self.assertEqual(code, 2)
        self.assertIn("november.csv cannot be written", err)
