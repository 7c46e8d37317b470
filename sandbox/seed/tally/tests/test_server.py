"""The HTTP service, over a real connection."""

from tally import __version__
from tests.support import ServerCase


class ServerTest(ServerCase):
    def test_health_names_the_version(self) -> None:
        answer = self.ask("GET", "/healthz")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json, {"status": "ok", "version": __version__})

    def test_an_expense_is_added_listed_and_removed(self) -> None:
        sent = {"amount": "12.50", "category": "Food", "day": "2026-11-03"}
        added = self.ask("POST", "/expenses", sent)
        self.assertEqual(added.status, 201)
        self.assertEqual(added.json["category"], "food")
        for path, count in {
            "/expenses": 1,
            "/expenses?month=2026-11": 1,
            "/expenses?month=2026-10": 0,
        }.items():
            with self.subTest(path=path):
                self.assertEqual(len(self.ask("GET", path).json["expenses"]), count)
        self.assertEqual(self.ask("DELETE", "/expenses/1").status, 204)
        self.assertEqual(self.ask("GET", "/expenses").json, {"expenses": []})

    def test_totals_are_texts(self) -> None:
        for amount in ("0.10", "0.20"):
            sent = {"amount": amount, "category": "fun", "day": "2026-11-03"}
            self.ask("POST", "/expenses", sent)
        self.ask("POST", "/expenses", {"amount": "1", "category": "today"})
        answer = self.ask("GET", "/months/2026-11/totals")
        self.assertEqual(answer.json["totals"]["fun"], "0.30")


class RefusalTest(ServerCase):
    def test_bad_bodies_are_400_with_a_reason(self) -> None:
        reasons = {
            b"{": "not JSON",
            b"[]": "not a JSON object",
            b"{}": "'amount' is missing",
            b'{"amount": 3}': "'amount' is missing or not a text",
            b'{"amount": "3"}': "'category' is missing",
        }
        for body, reason in reasons.items():
            with self.subTest(body=body):
                answer = self.ask("POST", "/expenses", body)
                self.assertEqual(answer.status, 400)
                self.assertIn(reason, answer.json["error"])

    def test_what_does_not_exist_is_404(self) -> None:
        for method, path in {"GET": "/nothing", "DELETE": "/expenses/9"}.items():
            with self.subTest(path=path):
                self.assertEqual(self.ask(method, path).status, 404)

    def test_an_id_is_a_number(self) -> None:
        self.assertEqual(self.ask("DELETE", "/expenses/one").status, 400)

    def test_another_method_is_405_and_names_those_that_work(self) -> None:
        answer = self.ask("PUT", "/expenses", b"")
        self.assertEqual(answer.status, 405)
        self.assertEqual(answer.headers["Allow"], "GET, POST")

    def test_a_long_body_is_not_read(self) -> None:
        answer = self.ask("POST", "/expenses", headers={"Content-Length": "99999"})
        self.assertEqual(answer.status, 413)
