"""How a month stands, over HTTP."""

from datetime import date
from decimal import Decimal

from tests.support import ServerCase


class MonthStatusTest(ServerCase):
    def test_every_budget_says_how_it_stands(self) -> None:
        with self.store.change() as book:
            book.set_budget("food", Decimal("200.00"))
            book.add(date(2026, 11, 3), "food", Decimal("185.00"))
        answer = self.ask("GET", "/months/2026-11/budgets")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["month"], "2026-11")
        [food] = answer.json["budgets"]
        self.assertEqual(food["remaining"], "15.00")
        self.assertEqual((food["percent"], food["level"]), (92, "near"))

    def test_a_month_without_budgets_is_empty(self) -> None:
        answer = self.ask("GET", "/months/2026-11/budgets")
        self.assertEqual(answer.json, {"month": "2026-11", "budgets": []})

    def test_an_odd_month_is_400(self) -> None:
        answer = self.ask("GET", "/months/2026-13/budgets")
        self.assertEqual(answer.status, 400)
        self.assertIn("2026-13", answer.json["error"])
