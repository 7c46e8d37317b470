"""The systemd units say what the command line understands."""

import configparser
import shlex
import unittest
from pathlib import Path

from tally.cli import build_parser

DEPLOY = Path(__file__).parent.parent / "deploy"


def unit(name: str) -> configparser.ConfigParser:
    """A unit file, read with its keys' case kept."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / name).read_text("utf-8"))
    return parser


class UnitTest(unittest.TestCase):
    def test_the_service_runs_a_command_that_exists(self) -> None:
        service = unit("tally-budget-check.service")["Service"]
        argv = shlex.split(service["ExecStart"])
        self.assertEqual(argv[1:3], ["-m", "tally"])
        self.assertTrue(build_parser().parse_args(argv[3:]).check)

    def test_the_service_can_change_nothing(self) -> None:
        service = unit("tally-budget-check.service")["Service"]
        self.assertEqual(service["ProtectSystem"], "strict")
        self.assertEqual(service["NoNewPrivileges"], "yes")
        self.assertEqual(service["User"], "tally")

    def test_the_timer_has_a_service_of_its_name_and_is_installable(self) -> None:
        timer = unit("tally-budget-check.timer")
        self.assertTrue((DEPLOY / "tally-budget-check.service").is_file())
        self.assertIn("OnCalendar", timer["Timer"])
        self.assertEqual(timer["Install"]["WantedBy"], "timers.target")
