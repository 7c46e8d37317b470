"""Amounts."""

import unittest
from decimal import Decimal

from tally.errors import TallyError
from tally.money import format_amount, parse_amount


class ParseAmountTest(unittest.TestCase):
    def test_amounts_are_kept_to_the_cent(self) -> None:
        for text, amount in {"12": "12.00", "12.5": "12.50", " 3.10 ": "3.10"}.items():
            with self.subTest(text=text):
                self.assertEqual(str(parse_amount(text)), amount)

    def test_what_is_not_an_amount_is_refused_with_a_reason(self) -> None:
        reasons = {
            "abc": "not an amount",
            "NaN": "not an amount",
            "Infinity": "not an amount",
            "1e99": "not an amount",
            "1.005": "two decimal places",
            "0": "more than zero",
            "-4": "more than zero",
        }
        for text, reason in reasons.items():
            with self.subTest(text=text), self.assertRaisesRegex(TallyError, reason):
                parse_amount(text)


class FormatAmountTest(unittest.TestCase):
    def test_thousands_are_set_apart(self) -> None:
        self.assertEqual(format_amount(Decimal("1234.5")), "1,234.50")
