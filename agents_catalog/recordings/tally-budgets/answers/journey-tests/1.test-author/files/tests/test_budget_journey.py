"""Budgets as a person meets them: from an empty file to the CSV."""

from tests.support import ServerCase


class BudgetJourneyTest(ServerCase):
    def spend(self, amount: str, day: str) -> str:
        return self.tally("add", amount, "food", "--day", day).err

    def test_from_an_empty_file_to_the_csv(self) -> None:
        self.tally("budget", "set", "food", "200")
        self.assertEqual(self.spend("150", "2026-11-03"), "")
        self.assertIn("has used 90%", self.spend("30", "2026-11-29"))
        self.assertIn("is 5.00 over", self.spend("25", "2026-11-30"))
        status = ("budget", "status", "--month", "2026-11", "--check")
        self.assertEqual(self.tally(*status).code, 1)
        self.assertEqual(
            self.tally("export", "--month", "2026-11").out.splitlines()[1:],
            ["2026-11,food,200.00,205.00,-5.00,102,over"],
        )

    def test_the_service_shows_what_the_command_line_wrote(self) -> None:
        self.tally("budget", "set", "food", "200")
        self.spend("180", "2026-11-30")
        [food] = self.ask("GET", "/months/2026-11/budgets").json["budgets"]
        self.assertEqual((food["spent"], food["level"]), ("180.00", "near"))
        self.assertEqual(
            self.ask("GET", "/months/2026-11/budgets.csv").body.decode(),
            self.tally("export", "--month", "2026-11").out,
        )

    def test_the_command_line_shows_what_the_service_wrote(self) -> None:
        self.ask("PUT", "/budgets/food", {"limit": "10"})
        sent = {"amount": "12", "category": "food", "day": "2026-11-30"}
        self.ask("POST", "/expenses", sent)
        self.assertIn("over", self.tally("budget", "status", "--month", "2026-11").out)
