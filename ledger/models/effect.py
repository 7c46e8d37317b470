"""The journal of all that was done outside: an intent, then an outcome."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, Index, Model, Stamped
from ledger.models.event import PendingEvent


class EffectKind(StrEnum):
    """Everything Shipline does outside. What is not here cannot be an effect; the crash grid stops at each of them."""

    AGENT_SPEC_WRITER = "agent.spec-writer"
    AGENT_ROADMAP_DECOMPOSER = "agent.roadmap-decomposer"
    AGENT_ACCEPTANCE_CRITERIA_AUTHOR = "agent.acceptance-criteria-author"
    AGENT_ISSUE_PLANNER = "agent.issue-planner"
    AGENT_DEVELOPER_IMPLEMENTER = "agent.developer-implementer"
    AGENT_REFACTORER = "agent.refactorer"
    AGENT_TEST_AUTHOR = "agent.test-author"
    AGENT_CODE_REVIEWER = "agent.code-reviewer"
    AGENT_QA_TESTER = "agent.qa-tester"
    AGENT_SECURITY_AUDITOR = "agent.security-auditor"
    AGENT_RELEASE_MANAGER = "agent.release-manager"
    AGENT_INFRA_DEPLOY_ENGINEER = "agent.infra-deploy-engineer"
    AGENT_CONFLICT = "agent.conflict"
    LABELS = "labels.create"
    ISSUE_CREATE = "issue.create"
    ISSUE_BLOCK = "issue.block"
    ISSUE_CLOSE = "issue.closed"
    ISSUE_REOPEN = "issue.open"
    BRANCH_CREATE = "branch.create"
    BRANCH_UPDATE = "branch.update"
    COMMIT_SPEC = "commit.spec"
    COMMIT_PLAN = "commit.plan"
    COMMIT_RELEASE = "commit.release"
    PUSH = "push"
    PULL_OPEN = "pull.open"
    PULL_READY = "pull.ready"
    PULL_MERGE = "pull.merge"
    REVIEW = "review.post"
    COMMENT_QA = "comment.qa"
    CHECK_RUN = "check.run"
    QA = "qa"
    QA_WHOLE = "qa.whole"
    RELEASE = "release.publish"
    RELEASE_FILE = "release.file"
    DEPLOY = "deploy"
    DEPLOYMENT_CREATE = "deployment.create"
    DEPLOYMENT_STATUS = "deployment.status"


class EffectStatus(StrEnum):
    """Only a success is final; a stored failure may be tried again."""

    INTENDED = "intended"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Lease(Model):
    """Who is acting, and until when. ``fence`` rises with every taker; writes with an older one are refused."""

    owner: str
    fence: int = 1
    until: datetime


class Effect(Stamped):
    """One outside effect. ``id`` is its key, ``run/node/round/effect[/digest]``."""

    COLLECTION: ClassVar[str] = "effects"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("runId", ASCENDING), ("created_at", ASCENDING))),
        Index((("status", ASCENDING), ("updated_at", ASCENDING))),
    )

    run_id: str
    node_key: str
    kind: str
    status: EffectStatus = EffectStatus.INTENDED
    attempts: int = 1
    lease: Lease
    found: bool = False
    outcome: dict[str, Any] | None = None
    error: str | None = None
    outbox: list[PendingEvent] = Field(default_factory=list)
