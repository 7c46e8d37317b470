"""An issue: a node of a run's tree, mirrored on GitHub."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, Index, Model, Stamped
from ledger.models.criteria import CriterionSeen
from ledger.models.event import PendingEvent
from ledger.models.gates import GateFacts
from ledger.models.quality import CheckReport
from ledger.models.spec import NODE_KEY, IssueType


class IssueStatus(StrEnum):
    """The statuses of the notes, §3.3."""

    NEW = "NEW"
    IN_PROGRESS = "IN_PROGRESS"
    BLOCKED = "BLOCKED"
    REVIEW = "REVIEW"
    QA = "QA"
    DONE = "DONE"


class DefectOrigin(Model):
    """What a defect was found by. One ``cause`` is filed once at a time, however many checks see it."""

    check: str
    fingerprint: str
    cause: str = ""
    evidence: str
    path: str | None = None


class Held(Model):
    """A change that guards stopped: ``change`` stands for exactly this one. ``allowed_by`` let it pass all the same."""

    change: str
    reasons: list[str]
    allowed_by: str | None = None


class Issue(Stamped):
    """One node. Links between nodes are keys (``parent``, ``dependencies``); GitHub numbers come when it is synced.

    ``head`` is the last commit pushed to ``branch``; ``tested_head`` the one that QA passed; ``merged_sha`` the merge
    commit in ``base``. ``round`` rises whenever the node is worked on again. ``asked`` names what a person did by hand
    and was asked about; to go on after that is the answer. ``held`` is what a guard stopped last. ``earlier_prs`` are
    pull requests that no longer count. ``reports`` are the last checks, on ``reported_head``, with the findings that
    block; ``criteria`` is what the reviewer said of each; ``facts`` what was seen when it was last to merge; ``awaits``
    the head that waits for a person's approval; ``failed_as`` how a defect's last fix failed.
    """

    COLLECTION: ClassVar[str] = "issues"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("runId", ASCENDING), ("key", ASCENDING)), unique=True),
        Index((("repo", ASCENDING), ("number", ASCENDING))),
        Index((("projectId", ASCENDING), ("status", ASCENDING))),
    )

    run_id: str
    project_id: str
    repo: str
    key: str = Field(pattern=NODE_KEY, max_length=80)
    type: IssueType
    title: str
    body: str = ""
    parent: str | None = None
    order_index: int = 0
    dependencies: list[str] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    requirements: list[str] = Field(default_factory=list)
    acceptance_criteria: list[str] = Field(default_factory=list)
    labels: list[str] = Field(default_factory=list)
    agent: str = "developer-implementer"
    estimate_minutes: float = 10
    status: IssueStatus = IssueStatus.NEW
    round: int = 1
    number: int | None = None
    github_id: int | None = None
    branch: str | None = None
    base: str | None = None
    pr_number: int | None = None
    earlier_prs: list[int] = Field(default_factory=list)
    head: str | None = None
    tested_head: str | None = None
    merged_sha: str | None = None
    tests: list[str] = Field(default_factory=list)
    reports: list[CheckReport] = Field(default_factory=list)
    reported_head: str | None = None
    criteria: list[CriterionSeen] = Field(default_factory=list)
    facts: GateFacts | None = None
    awaits: str | None = None
    origin: DefectOrigin | None = None
    failed_as: str | None = None
    failure: str | None = None
    asked: str | None = None
    held: Held | None = None
    outbox: list[PendingEvent] = Field(default_factory=list)

    @property
    def may_pass(self) -> bool:
        """Whether it stopped because of a guard, so that a person may let its change pass."""
        return self.failure is not None and self.held is not None and self.held.allowed_by is None


def issue_id(run_id: str, key: str) -> str:
    """The ledger's id of a node."""
    return f"{run_id}/{key}"
