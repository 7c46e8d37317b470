"""The CSV over HTTP."""

from datetime import date
from decimal import Decimal

from tests.support import ServerCase

PATH = "/months/2026-11/budgets.csv"


class DownloadTest(ServerCase):
    def setUp(self) -> None:
        super().setUp()
        self.spend("12.50")

    def spend(self, amount: str) -> None:
        with self.store.change() as book:
            book.add(date(2026, 11, 3), "food", Decimal(amount))

    def test_the_answer_is_a_file(self) -> None:
        answer = self.ask("GET", PATH)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn("budgets-2026-11.csv", answer.headers["Content-Disposition"])
        self.assertEqual(answer.body.splitlines()[1], b"2026-11,food,,12.50,,,")

    def test_what_is_known_already_is_not_sent_again(self) -> None:
        tag = self.ask("GET", PATH).headers["ETag"]
        again = self.ask("GET", PATH, headers={"If-None-Match": f'"other", {tag}'})
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(again.headers["ETag"], tag)

    def test_a_change_is_sent(self) -> None:
        tag = self.ask("GET", PATH).headers["ETag"]
        self.spend("1.00")
        again = self.ask("GET", PATH, headers={"If-None-Match": tag})
        self.assertEqual(again.status, 200)
        self.assertNotEqual(again.headers["ETag"], tag)

    def test_an_odd_month_is_400(self) -> None:
        self.assertEqual(self.ask("GET", "/months/soon/budgets.csv").status, 400)
