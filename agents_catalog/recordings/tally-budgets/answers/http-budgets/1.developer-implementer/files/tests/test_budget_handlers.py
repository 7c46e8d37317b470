"""Budgets over HTTP."""

from tests.support import ServerCase


class BudgetHandlersTest(ServerCase):
    def test_a_budget_is_put_listed_and_removed(self) -> None:
        food = {"category": "food", "limit": "200.00"}
        for _ in range(2):
            answer = self.ask("PUT", "/budgets/Food", {"limit": "200"})
            self.assertEqual((answer.status, answer.json), (200, food))
        self.assertEqual(self.ask("GET", "/budgets").json, {"budgets": [food]})
        self.assertEqual(self.ask("DELETE", "/budgets/food").status, 204)
        self.assertEqual(self.ask("GET", "/budgets").json, {"budgets": []})

    def test_a_category_may_have_a_space_in_it(self) -> None:
        answer = self.ask("PUT", "/budgets/eating%20out", {"limit": "60"})
        self.assertEqual(answer.json["category"], "eating out")

    def test_what_is_no_budget_is_refused(self) -> None:
        for sent in ({}, {"limit": 200}, {"limit": "-1"}):
            with self.subTest(sent=sent):
                self.assertEqual(self.ask("PUT", "/budgets/food", sent).status, 400)
        self.assertEqual(self.ask("GET", "/budgets").json, {"budgets": []})

    def test_removing_what_is_not_there_is_404(self) -> None:
        self.assertEqual(self.ask("DELETE", "/budgets/food").status, 404)
