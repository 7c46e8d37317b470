"""``st.`` is in ``console/web`` and nowhere else: what pages show is made by functions that know no page."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = (
    "console",
    "gateway",
    "deployments",
    "flows",
    "tasks",
    "agents_catalog",
    "gha",
    "ledger",
    "shipline",
    "sandbox",
)


def _imported(file: Path) -> set[str]:
    """The first names of what a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


def test_streamlit_is_imported_by_the_pages_alone() -> None:
    users = {
        file.relative_to(ROOT).as_posix()
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if "streamlit" in _imported(file)
    }
    assert "console/web/app.py" in users
    assert [each for each in sorted(users) if not each.startswith("console/web/")] == []
