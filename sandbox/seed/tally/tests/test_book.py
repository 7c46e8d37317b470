"""Expenses, the book, and the file it is kept in."""

import unittest
from datetime import date
from decimal import Decimal

from tally.book import Book
from tally.errors import NotFoundError, TallyError
from tally.expense import parse_category, parse_day
from tests.support import StoreCase

DAY = date(2026, 11, 3)


class ParseTest(unittest.TestCase):
    def test_categories_are_lower_case(self) -> None:
        self.assertEqual(parse_category("  Food & Drink "), "food & drink")

    def test_odd_categories_are_refused(self) -> None:
        for text in ("", "=sum(A1)", "a/b", "x" * 41):
            with self.subTest(text=text), self.assertRaises(TallyError):
                parse_category(text)

    def test_odd_days_are_refused(self) -> None:
        with self.assertRaisesRegex(TallyError, "2026-02-30"):
            parse_day("2026-02-30")


class BookTest(unittest.TestCase):
    def test_ids_are_never_used_twice(self) -> None:
        book = Book()
        first = book.add(DAY, "food", Decimal("1.00"))
        book.remove(first.id)
        self.assertEqual(book.add(DAY, "food", Decimal("2.00")).id, first.id + 1)

    def test_removing_what_is_not_there_says_so(self) -> None:
        with self.assertRaisesRegex(NotFoundError, "no expense 7"):
            Book().remove(7)


class StoreTest(StoreCase):
    def test_a_store_without_a_file_is_empty(self) -> None:
        self.assertEqual(self.store.load(), Book())

    def test_what_was_changed_is_there_again(self) -> None:
        with self.store.change() as book:
            book.add(DAY, "food", Decimal("12.50"), "café")
        self.assertEqual(self.store.load(), book)

    def test_a_change_that_fails_is_not_saved(self) -> None:
        with self.assertRaises(RuntimeError), self.store.change() as book:
            book.add(DAY, "food", Decimal("12.50"))
            raise RuntimeError
        self.assertFalse(self.store.path.exists())

    def test_a_file_of_another_kind_is_named(self) -> None:
        for text in ("not json", "[]", '{"expenses": [{"id": 1}]}'):
            with self.subTest(text=text):
                self.store.path.write_text(text, "utf-8")
                with self.assertRaisesRegex(TallyError, "not a Tally file"):
                    self.store.load()
