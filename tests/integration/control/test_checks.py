"""``shipline checks``: what the gates of a node said, for people and for tools that read SARIF."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from console.cli import app
from ledger.effects import Key, nothing_to_find, perform
from ledger.models import CheckReport, EffectKind, Finding, Severity, Verdict
from ledger.runs import create_run
from ledger.store import Store
from tasks.checks import Checked
from tasks.quality.sarif import from_sarif

FOUND = Finding(
    check="sast", severity=Severity.CRITICAL, title="B602: shell", evidence="call(x)", path="a.py", line=3,
    fingerprint="f",
)  # fmt: skip


@pytest.fixture
async def run_id(store: Store, monkeypatch: pytest.MonkeyPatch, mongodb: str, database: str) -> str:
    """A run with one node that was checked."""
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    run = await create_run(store, "an idea", "o/r", "main")
    report = CheckReport(check="sast", verdict=Verdict.FAILED, summary="bandit: 1 finding", findings=[FOUND])

    async def act() -> Checked:
        return Checked(tree="t", reports=[report])

    await perform(
        store, Key(run.id, "trees", "1", EffectKind.QA, "t"), Checked, act=act, look=nothing_to_find,
        say=lambda _: "QA", phase=run.state, about="x",
    )  # fmt: skip
    return run.id


def test_the_newest_reports_of_a_node(run_id: str) -> None:
    said = CliRunner().invoke(app, ["checks", run_id, "x"])
    assert said.exit_code == 0, said.output
    assert "bandit: 1 finding" in said.output
    assert "B602: shell a.py:3" in said.output
    told = CliRunner().invoke(app, ["checks", run_id, "x", "--sarif"])
    assert from_sarif(json.loads(told.output), "sast") == [FOUND]


def test_a_node_that_was_not_checked(run_id: str) -> None:
    said = CliRunner().invoke(app, ["checks", run_id, "nobody"])
    assert "was not checked yet" in str(said.exception)
