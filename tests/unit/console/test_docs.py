"""The table in the docs says how everything that can be pressed is done on the command line, and by the API."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from typer.main import get_command

from console.cli import app
from gateway.app import create_app
from ledger.rules.access import NEEDED
from ledger.rules.slash import USAGE

ROOT = Path(__file__).parents[3]
DOCS = (ROOT / "docs" / "console.md").read_text()
PRESSED = {"press", "button", "form_submit_button", "download_button"}


def _labels() -> set[str]:
    """The label of everything that can be pressed."""
    found = set()
    for file in (ROOT / "console" / "web").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and _name(call.func) in PRESSED and call.args:
                label = call.args[0]
                if isinstance(label, ast.Constant):
                    found.add(str(label.value))
    return found


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_button_is_in_the_table() -> None:
    labels = _labels()
    assert {"Approve", "Pause", "Retry", "Save", "Roll back …"} <= labels
    assert [each for each in sorted(labels) if f"**{each}**" not in DOCS] == []


def test_every_slash_command_is_in_the_docs() -> None:
    assert [each.form for each in USAGE.values() if f"| `{each.form}` | {each.what} |" not in DOCS] == []


def test_the_table_of_roles_is_the_rule() -> None:
    assert [f"| {action} | {role} |" for action, role in NEEDED.items() if f"| {action} | {role} |" not in DOCS] == []


def _table() -> list[list[str]]:
    """The rows of what can be pressed: console, command line, API."""
    rows = [line.strip("|").split(" | ") for line in DOCS.splitlines() if line.startswith("| ")]
    start = next(at for at, row in enumerate(rows) if row[0].strip() == "In the console")
    return [row for row in rows[start + 1 :] if len(row) == 3][: len(rows)]


def test_every_row_has_its_way_by_the_api_and_it_is_there() -> None:
    known = {
        f"{method.upper()} {path}" for path, methods in create_app().openapi()["paths"].items() for method in methods
    }
    told = [(row[0], re.findall(r"`((?:GET|POST|PUT|PATCH) [^`]+)`", row[2])) for row in _table()]
    assert len(told) > 15
    assert [row for row, ways in told if not ways and "Log in" not in row and "Do it" not in row] == []
    assert {way for _, ways in told for way in ways} - known == set()


def test_every_command_that_the_docs_name_exists() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    told = {
        part.split()[1].strip("`") for part in DOCS.split("`") if part.startswith("shipline ") and len(part.split()) > 1
    }
    assert told - known == set()
