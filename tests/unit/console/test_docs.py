"""The table in the docs says how everything that can be pressed is done on the command line."""

from __future__ import annotations

import ast
from pathlib import Path

from typer.main import get_command

from console.cli import app
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


def test_every_command_that_the_docs_name_exists() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    told = {
        part.split()[1].strip("`") for part in DOCS.split("`") if part.startswith("shipline ") and len(part.split()) > 1
    }
    assert told - known == set()
