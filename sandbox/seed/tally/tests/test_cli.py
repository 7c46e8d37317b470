"""The command line."""

import contextlib
import io
import unittest
from unittest import mock

from tally import __version__
from tally.cli import main
from tally.server import TallyServer
from tests.support import StoreCase


class ExpenseCommandsTest(StoreCase):
    def test_add_list_and_remove(self) -> None:
        argv = ("add", "12.5", "Food", "--day", "2026-11-03", "--note", "lunch")
        line = "1  2026-11-03  food  12.50  lunch\n"
        self.assertEqual(self.tally(*argv), (0, line, ""))
        self.assertEqual(self.tally("list", "--month", "2026-11").out, line)
        self.assertEqual(self.tally("list", "--month", "2026-10").out, "")
        self.assertEqual(self.tally("remove", "1").out, f"removed {line}")
        self.assertEqual(self.tally("list").out, "")

    def test_today_is_the_day_unless_another_is_named(self) -> None:
        self.assertEqual(self.tally("add", "3", "fun").code, 0)
        self.assertEqual(len(self.store.load().expenses), 1)

    def test_a_mistake_is_told_and_changes_nothing(self) -> None:
        code, out, err = self.tally("add", "free", "food")
        self.assertEqual((code, out), (2, ""))
        self.assertEqual(err, "tally: 'free' is not an amount of money\n")
        self.assertFalse(self.store.path.exists())


class ReportCommandTest(StoreCase):
    def test_the_month_is_summed_by_category(self) -> None:
        self.tally("add", "1200", "rent", "--day", "2026-11-01")
        self.tally("add", "3.20", "food", "--day", "2026-11-02")
        rows = self.tally("report", "--month", "2026-11").out.splitlines()
        self.assertEqual(
            [row.split() for row in rows],
            [["rent", "1,200.00"], ["food", "3.20"], ["total", "1,203.20"]],
        )

    def test_a_month_without_expenses_is_zero(self) -> None:
        self.assertEqual(self.tally("report").out.split(), ["total", "0.00"])


class ServeCommandTest(StoreCase):
    def test_it_says_where_it_listens_and_ends_on_ctrl_c(self) -> None:
        with mock.patch.object(
            TallyServer, "serve_forever", side_effect=KeyboardInterrupt
        ):
            code, out, _ = self.tally("serve", "--port", "0")
        self.assertEqual(code, 0)
        self.assertRegex(out, rf"Tally {__version__} on http://127.0.0.1:\d+\nbye\n")


class VersionTest(unittest.TestCase):
    def test_the_version_is_printed(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.assertRaises(SystemExit):
            main(["--version"])
        self.assertEqual(out.getvalue(), f"tally {__version__}\n")
