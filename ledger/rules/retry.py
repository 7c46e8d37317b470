"""Where work on a failed node starts again when a person retries it, or lets pass what a guard stopped. Pure."""

from __future__ import annotations

from typing import Any

from ledger.models import Issue, IssueStatus, IssueType
from shipline.errors import InvalidInput


def again(issue: Issue) -> dict[str, Any]:
    """The fields to set (Mongo names); the round rises besides, so that whoever is asked is asked anew.

    A node that stopped while it was built is built again. One that was built and stopped at its review or its checks
    goes on there; a defect whose fix did not pass is fixed again, and what was tested is landed again.
    """
    values: dict[str, Any] = {"failure": None, "held": None, "failedAs": None}
    if issue.status is IssueStatus.IN_PROGRESS or (issue.type is IssueType.DEFECT and not _tested(issue)):
        values |= {"status": IssueStatus.NEW, "testedHead": None}
    return values


def let_pass(issue: Issue, by: str) -> dict[str, Any]:
    """The fields to set (Mongo names) so that the change that was held is pushed after all, and no other.

    The round stays: nobody is asked anew. A node that was built already goes on where it stopped. InvalidInput when no
    guard stopped the node.
    """
    if issue.held is None or not issue.may_pass:
        raise InvalidInput(f"No guard holds a change of {issue.key}.", "Only what a guard stopped can be let through.")
    held = issue.held.model_copy(update={"allowed_by": by})
    values: dict[str, Any] = {"failure": None, "held": held.model_dump(by_alias=True)}
    return values | ({"status": IssueStatus.NEW} if issue.status is IssueStatus.IN_PROGRESS else {})


def _tested(issue: Issue) -> bool:
    return issue.head is not None and issue.tested_head == issue.head
