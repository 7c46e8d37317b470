"""The warnings, when an expense is added and when the budgets are checked."""

from tests.support import StoreCase


class AddWarnsTest(StoreCase):
    def setUp(self) -> None:
        super().setUp()
        self.tally("budget", "set", "food", "200")

    def add(self, amount: str, category: str = "food") -> str:
        ran = self.tally("add", amount, category, "--day", "2026-11-30")
        self.assertEqual(ran.code, 0)
        return ran.err

    def test_nothing_is_said_while_all_is_fine(self) -> None:
        self.assertEqual(self.add("159.99"), "")

    def test_a_budget_that_is_nearly_spent_is_told(self) -> None:
        self.assertEqual(
            self.add("185"),
            "warning: food has used 92% of its 200.00 for 2026-11; 15.00 left\n",
        )

    def test_an_overspent_budget_is_told(self) -> None:
        self.assertEqual(
            self.add("212.50"), "warning: food is 12.50 over its 200.00 for 2026-11\n"
        )

    def test_a_category_without_a_budget_is_left_alone(self) -> None:
        self.assertEqual(self.add("999", "fun"), "")

    def test_the_month_of_the_expense_counts_not_todays(self) -> None:
        self.add("190")
        ran = self.tally("add", "10", "food", "--day", "2026-12-01")
        self.assertEqual(ran.err, "")


class StatusTest(StoreCase):
    def status(self, *options: str) -> tuple[int, list[list[str]]]:
        ran = self.tally("budget", "status", "--month", "2026-11", *options)
        return ran.code, [row.split() for row in ran.out.splitlines()]

    def test_every_budget_has_a_row(self) -> None:
        self.tally("budget", "set", "food", "200")
        self.tally("budget", "set", "fun", "50")
        self.tally("add", "212.50", "food", "--day", "2026-11-30")
        code, rows = self.status()
        self.assertEqual(code, 0)
        self.assertEqual(rows[0], ["food", "212.50", "of", "200.00", "106%", "over"])
        self.assertEqual(rows[1], ["fun", "0.00", "of", "50.00", "0%", "fine"])

    def test_a_check_fails_from_the_first_warning_on(self) -> None:
        self.tally("budget", "set", "food", "200")
        self.assertEqual(self.status("--check")[0], 0)
        self.tally("add", "160", "food", "--day", "2026-11-30")
        self.assertEqual(self.status("--check")[0], 1)
        self.assertEqual(self.status()[0], 0)

    def test_this_month_is_meant_unless_another_is_named(self) -> None:
        self.assertEqual(self.tally("budget", "status"), (0, "", ""))
