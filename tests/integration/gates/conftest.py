"""A run in the middle of its work, on GitHub as the sandbox has it; steps run without Prefect around them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from ledger.models import CheckReport, Finding, Issue, IssueStatus, IssueType, Severity, UserSettings, Verdict
from tasks import checks
from tasks.branches import prepare_branch
from tasks.issues import sync_issue
from tasks.pulls import open_pull_request
from tests.integration.reconcile.conftest import (
    Made,
    Person,
    _environment,
    ann,
    ground,
    grounds,
    made,
    plain,
)

__all__ = ["_environment", "ann", "ground", "grounds", "made"]

GOOD = [CheckReport(check="tests", verdict=Verdict.PASSED, summary="3 passed")]


def without_prefect(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Let flows call their steps as functions."""
    for module in modules:
        for name, each in list(vars(module).items()):
            if hasattr(each, "fn"):
                monkeypatch.setattr(module, name, plain(each))


def quick_checks(monkeypatch: pytest.MonkeyPatch, bad: str = "bad.txt") -> None:
    """QA in no time: a tree with the file ``bad`` fails."""

    async def check_all(workspace: Any, *_: Any, **__: Any) -> list[CheckReport]:
        if not (workspace / bad).is_file():
            return GOOD
        found = Finding(
            check="tests", severity=Severity.CRITICAL, title=f"{bad} is there", evidence="It should not be.",
            path=bad, fingerprint="bad",
        )  # fmt: skip
        return [CheckReport(check="tests", verdict=Verdict.FAILED, summary="1 failed", findings=[found])]

    monkeypatch.setattr(checks, "check_all", check_all)


async def set_up(made: Made, **values: Any) -> None:
    """The project's settings, by their names in Mongo."""
    await made.store.change(UserSettings, made.run.project_id, values)


async def add_leaf(made: Made, person: Person, key: str) -> None:
    """One more leaf with its branch, a file of its name, and a pull request; it was tested."""
    known = {"run_id": made.run.id, "project_id": made.run.project_id, "repo": made.run.repo, "parent": "epic"}
    await made.store.insert(Issue(id=f"{made.run.id}/{key}", key=key, type=IssueType.TASK, title=key.title(), **known))
    await plain(sync_issue)(made.run.id, key)
    await plain(prepare_branch)(made.run.id, key)
    head = await person.commit(str((await made.node(key)).branch), f"{key}.txt", f"{key}\n")
    await made.change(key, head=head, testedHead=head, status=IssueStatus.QA)
    await plain(open_pull_request)(made.run.id, key)
