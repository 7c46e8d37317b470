"""docs/agents.md names every refusal of Cursor's and what is done about it, as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from agents_catalog.catalog import load_agents
from ledger.models import Engine
from tasks.agents.cursor_errors import DECISIONS
from tasks.agents.recording import PLANNERS

DOCS = (Path(__file__).parents[3] / "docs" / "agents.md").read_text()


def test_the_table_of_refusals_is_the_code_s() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ", DOCS, re.MULTILINE)
    assert dict(rows) == {code: decision.value for code, decision in DECISIONS.items()}
    assert len(rows) == len(DECISIONS)


def test_those_who_plan_are_those_of_the_catalog() -> None:
    assert {each.type for each in load_agents() if each.engine is not Engine.CURSOR} == PLANNERS
    assert len(PLANNERS) == 7
