"""The guide says what is true: its commands parse and its routes exist."""

import re
import shlex
import unittest
from pathlib import Path

from tally.cli import build_parser
from tally.routes import ROUTES

GUIDE = Path(__file__).parent.parent / "docs" / "budgets.md"


class GuideTest(unittest.TestCase):
    def setUp(self) -> None:
        self.text = GUIDE.read_text("utf-8")

    def test_every_command_is_one(self) -> None:
        commands = re.findall(r"^\$ python -m tally (.+)$", self.text, re.MULTILINE)
        self.assertGreater(len(commands), 4)
        for command in commands:
            with self.subTest(command=command):
                self.assertTrue(build_parser().parse_args(shlex.split(command)).run)

    def test_every_route_exists(self) -> None:
        named = re.findall(r"`(GET|PUT|POST|DELETE) (/[^ `]*)`", self.text)
        self.assertGreater(len(named), 4)
        known = {(route.method, route.path) for route in ROUTES}
        self.assertLessEqual(set(named), known)
