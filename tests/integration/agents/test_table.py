"""The table of what each adapter can in ``docs/agents.md`` is what the suite holds them to."""

from __future__ import annotations

from tasks.agents import registry
from tests.e2e.conftest import ROOT
from tests.integration.agents.behaviour import Behaviour, Can
from tests.integration.agents.test_acp import TestAcp as Acp
from tests.integration.agents.test_at_once import TestCodemod as Codemod
from tests.integration.agents.test_at_once import TestRecorded as Recorded
from tests.integration.agents.test_cursor_cloud import TestCursorCloud as CursorCloud
from tests.integration.agents.test_http import TestHttp as Http

CLASSES: tuple[type[Behaviour], ...] = (CursorCloud, Acp, Http, Codemod, Recorded)


def _table() -> dict[str, list[str]]:
    """The rows of the table by their first cell."""
    lines = (ROOT / "docs" / "agents.md").read_text().partition("## What each adapter can\n")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {first: rest for first, *rest in rows[: len(Can) + 2]}


def test_every_adapter_is_held_to_the_suite() -> None:
    known = {registry.CURSOR_CLOUD, registry.ACP, registry.HTTP, registry.CODEMOD, registry.RECORDED}
    assert {each.adapter for each in CLASSES} == known


def test_the_table_says_what_each_can_and_cannot() -> None:
    table = _table()
    assert table[""] == [f"`{each.adapter}`" for each in CLASSES]
    for what in Can:
        assert table[what.value] == [each.cannot.get(what, "yes") for each in CLASSES], what
