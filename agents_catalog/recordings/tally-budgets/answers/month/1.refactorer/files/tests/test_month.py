"""Calendar months."""

import unittest
from datetime import date

from tally.errors import TallyError
from tally.month import Month


class MonthTest(unittest.TestCase):
    def test_a_month_is_written_as_it_is_read(self) -> None:
        self.assertEqual(str(Month.parse("2026-02")), "2026-02")

    def test_odd_months_are_refused(self) -> None:
        for text in ("2026-13", "2026-00", "2026", "November", "2026-11-03", ""):
            with self.subTest(text=text), self.assertRaisesRegex(TallyError, "month"):
                Month.parse(text)

    def test_it_ends_on_its_last_day_in_leap_years_too(self) -> None:
        self.assertEqual(Month(2026, 2).last, date(2026, 2, 28))
        self.assertEqual(Month(2028, 2).last, date(2028, 2, 29))

    def test_both_its_edges_belong_to_it(self) -> None:
        month = Month(2026, 11)
        self.assertIn(date(2026, 11, 1), month)
        self.assertIn(date(2026, 11, 30), month)
        self.assertNotIn(date(2026, 10, 31), month)
        self.assertNotIn(date(2026, 12, 1), month)

    def test_months_are_ordered(self) -> None:
        self.assertLess(Month(2026, 12), Month(2027, 1))
        self.assertEqual(Month.of(date(2026, 11, 3)), Month(2026, 11))
