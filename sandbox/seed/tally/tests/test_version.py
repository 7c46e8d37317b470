"""Where the version comes from."""

import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

from tally import __version__
from tally.version import PROJECT, read_version


class VersionTest(unittest.TestCase):
    def test_a_checkout_says_what_its_project_says(self) -> None:
        project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
        self.assertEqual(__version__, project["version"])

    def test_an_installed_tally_says_what_was_installed(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        other = folder / "pyproject.toml"
        other.write_text('[project]\nname = "other"\nversion = "9"\n', "utf-8")
        for project in (other, folder / "missing.toml"):
            with mock.patch("importlib.metadata.version", return_value="0.4.0"):
                self.assertEqual(read_version(project), "0.4.0")
