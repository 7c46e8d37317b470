"""``tally budget set``, ``list`` and ``remove``."""

from tests.support import StoreCase


class BudgetCommandsTest(StoreCase):
    def test_set_list_and_remove(self) -> None:
        self.assertEqual(
            self.tally("budget", "set", "Food", "1200"),
            (0, "food  1,200.00 a month\n", ""),
        )
        self.tally("budget", "set", "art", "30")
        self.assertEqual(
            self.tally("budget", "list").out,
            "art  30.00 a month\nfood  1,200.00 a month\n",
        )
        self.assertEqual(
            self.tally("budget", "remove", "art").out, "removed art  30.00 a month\n"
        )
        self.assertEqual(self.tally("budget", "list").out, "food  1,200.00 a month\n")

    def test_setting_again_replaces(self) -> None:
        self.tally("budget", "set", "food", "100")
        self.tally("budget", "set", "food", "150")
        self.assertEqual(self.tally("budget", "list").out, "food  150.00 a month\n")

    def test_a_budget_of_nothing_is_refused(self) -> None:
        code, _, err = self.tally("budget", "set", "food", "0")
        self.assertEqual((code, err), (2, "tally: an amount must be more than zero\n"))

    def test_removing_what_is_not_there_says_so(self) -> None:
        code, _, err = self.tally("budget", "remove", "food")
        self.assertEqual((code, err), (2, "tally: there is no budget for food\n"))
