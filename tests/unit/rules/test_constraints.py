"""What constraints ask of the gates."""

from __future__ import annotations

import pytest

from agents_catalog.catalog import load_agents
from ledger.models import AgentType
from ledger.rules.constraints import read_constraints


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("coverage>=80%", 80),
        ("Coverage ≥ 92.5 %", 92.5),
        ("coverage >= 70", 70),
        ("coverage>=140%", None),
        ("coverage is good", None),
    ],
)
def test_a_least_coverage(line: str, percent: float | None) -> None:
    found = read_constraints([line])
    assert found.coverage_percent == percent
    assert found.words == (() if percent is not None else (line,))


def test_the_highest_counts_and_what_no_gate_knows_stays_words() -> None:
    found = read_constraints(["coverage>=80%", "coverage>=90%", "lint=pass", "no secrets", " "])
    assert (found.coverage_percent, found.passing, found.words) == (90, ("lint",), ("no secrets",))


def test_the_catalog_holds_the_implementer_to_eighty_percent() -> None:
    (implementer,) = [each for each in load_agents() if each.type is AgentType.DEVELOPER_IMPLEMENTER]
    found = read_constraints(implementer.constraints)
    assert (found.coverage_percent, found.passing) == (80, ("lint",))
