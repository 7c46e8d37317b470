"""A run to look at: an epic with a leaf that is blocked by a defect, and one that waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.models import Issue, IssueStatus, IssueType, Run, RunState, Usage
from ledger.queries import Snapshot
from ledger.rules.ready import waiting_for
from ledger.rules.tree import Tree

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def run(**values: Any) -> Run:
    """A run that builds."""
    known = {"id": "r-1", "idea_id": "i", "project_id": "p", "repo": "o/r", "correlation_id": "c"}
    stamps = {"created_at": AT - timedelta(minutes=5), "updated_at": AT}
    return Run.model_validate({**known, **stamps, "state": RunState.EXECUTION_LOOP, **values})


def issue(key: str, parent: str | None, kind: IssueType = IssueType.TASK, **values: Any) -> Issue:
    """A node."""
    known = {"id": f"r-1/{key}", "run_id": "r-1", "project_id": "p", "repo": "o/r", "title": f"The {key}"}
    return Issue.model_validate({**known, "key": key, "parent": parent, "type": kind, **values})


def tree(*more: Issue, **of_a: Any) -> Tree:
    """The tree; ``of_a`` changes its first leaf."""
    return Tree.of(
        [
            issue("epic", None, IssueType.EPIC, number=1, status=IssueStatus.BLOCKED),
            issue("a", "epic", **{"number": 2, "status": IssueStatus.BLOCKED, **of_a}),
            issue("a.d1", "a", IssueType.DEFECT, number=4, status=IssueStatus.IN_PROGRESS, title="Defect: wrong"),
            issue("b", "epic", number=3, order_index=1),
            *more,
        ]
    )


def seen(of: Run | None = None, at: Tree | None = None) -> Snapshot:
    """A snapshot of both."""
    known = tree() if at is None else at
    waits = {each.key: waiting_for(known, each.key) for each in known.issues if each.status is not IssueStatus.DONE}
    return Snapshot(of or run(), "Let it *work*.\nMore.", known, waits, Usage(usd=0.004, input_tokens=900), None)
