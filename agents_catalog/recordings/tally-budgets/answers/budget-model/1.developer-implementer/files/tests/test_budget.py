"""Budgets in the book and in its file."""

import json
import unittest
from decimal import Decimal

from tally.book import Book
from tally.budget import Budget
from tally.errors import NotFoundError, TallyError
from tests.support import StoreCase


class BookBudgetTest(unittest.TestCase):
    def test_a_budget_is_set_and_set_again(self) -> None:
        book = Book()
        book.set_budget("food", Decimal("200.00"))
        changed = book.set_budget("food", Decimal("250.00"))
        self.assertEqual(changed, Budget("food", Decimal("250.00")))
        self.assertEqual(book.budgets, {"food": changed})

    def test_a_budget_is_removed_once(self) -> None:
        book = Book()
        book.set_budget("food", Decimal("200.00"))
        self.assertEqual(book.remove_budget("food").category, "food")
        with self.assertRaisesRegex(NotFoundError, "no budget for food"):
            book.remove_budget("food")


class StoredBudgetTest(StoreCase):
    def test_budgets_are_there_again(self) -> None:
        with self.store.change() as book:
            book.set_budget("food", Decimal("200.00"))
        self.assertEqual(self.store.load(), book)

    def test_a_file_from_before_budgets_has_none(self) -> None:
        self.store.path.write_text('{"next_id": 1, "expenses": []}', "utf-8")
        self.assertEqual(self.store.load().budgets, {})

    def test_a_broken_budget_is_told(self) -> None:
        self.store.path.write_text(json.dumps({"budgets": [{"limit": "1"}]}), "utf-8")
        with self.assertRaisesRegex(TallyError, "not a Tally file"):
            self.store.load()
