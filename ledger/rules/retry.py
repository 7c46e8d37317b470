"""Where work on a failed node starts again when a person retries it. Pure."""

from __future__ import annotations

from typing import Any

from ledger.models import Issue, IssueStatus, IssueType


def again(issue: Issue) -> dict[str, Any]:
    """The fields to set (Mongo names); the round rises besides, so that whoever is asked is asked anew.

    A node that stopped while it was built is built again. One that was built and stopped at its review or its checks
    goes on there; a defect whose fix did not pass is fixed again, and what was tested is landed again.
    """
    values: dict[str, Any] = {"failure": None}
    if issue.status is IssueStatus.IN_PROGRESS or (issue.type is IssueType.DEFECT and not _tested(issue)):
        values |= {"status": IssueStatus.NEW, "testedHead": None}
    return values


def _tested(issue: Issue) -> bool:
    return issue.head is not None and issue.tested_head == issue.head
