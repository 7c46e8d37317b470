"""Agents: who they are, what they are asked (the notes, §2.2), what they answered."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, Index, Model, Stamped
from ledger.models.revision import Revision
from ledger.models.spec import Size


class AgentType(StrEnum):
    """The twelve agents of the notes, §4.1."""

    SPEC_WRITER = "spec-writer"
    ROADMAP_DECOMPOSER = "roadmap-decomposer"
    ACCEPTANCE_CRITERIA_AUTHOR = "acceptance-criteria-author"
    ISSUE_PLANNER = "issue-planner"
    DEVELOPER_IMPLEMENTER = "developer-implementer"
    REFACTORER = "refactorer"
    TEST_AUTHOR = "test-author"
    CODE_REVIEWER = "code-reviewer"
    QA_TESTER = "qa-tester"
    SECURITY_AUDITOR = "security-auditor"
    RELEASE_MANAGER = "release-manager"
    INFRA_DEPLOY_ENGINEER = "infra-deploy-engineer"


class Engine(StrEnum):
    """Which port an agent thinks through."""

    NEMOTRON = "nemotron"
    CURSOR = "cursor"
    HYBRID = "hybrid"


class Agent(Stamped):
    """An agent of the catalog, as a person may have changed it. ``onboarding_doc_ref`` names a document's id."""

    COLLECTION: ClassVar[str] = "agents"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("type", ASCENDING), ("projectId", ASCENDING)), unique=True),)

    project_id: str | None = None
    type: AgentType
    agent_id: str
    engine: Engine
    name: str
    role: str
    goals: list[str]
    tools: list[str]
    constraints: list[str]
    guardrails: list[str]
    enabled: bool = True
    onboarding_doc_ref: str | None = None
    context_packs: list[str] = Field(default_factory=list)
    history: list[Revision] = Field(default_factory=list)


class AgentInput(Model):
    """What an agent is asked to do (the notes, §2.2)."""

    repo: str
    branch: str | None = None
    issue_id: int | None = None
    objective: str
    context_packs: list[str] = Field(default_factory=list)
    constraints: list[str] = Field(default_factory=list)
    artifacts_in: list[str] = Field(default_factory=list)


class AgentJob(Model):
    """One request. ``(idea, size, type, node_key, round)`` finds a recorded answer; ``context`` is composed text."""

    type: AgentType
    idea: str
    size: Size
    node_key: str
    round: str = "1"
    input: AgentInput
    context: str = ""


class AgentOutput(Model):
    """What came of it (the notes, §2.2). A planning agent's typed answer is in ``answer``."""

    changeset_summary: str = ""
    commit_ids: list[str] = Field(default_factory=list)
    notes: str = ""
    artifacts_out: list[str] = Field(default_factory=list)
    answer: dict[str, Any] | None = None


class Usage(Model):
    """What it cost. ``seconds`` is the agent's own time, which a replay does not spend again."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    usd: float = Field(default=0, ge=0)
    seconds: float = Field(default=0, ge=0)

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=self.usd + other.usd,
            seconds=self.seconds + other.seconds,
        )

    def __sub__(self, other: Usage) -> Usage:
        """What is left of it, of nothing less than nothing."""
        return Usage(
            input_tokens=max(0, self.input_tokens - other.input_tokens),
            output_tokens=max(0, self.output_tokens - other.output_tokens),
            usd=max(0.0, self.usd - other.usd),
            seconds=max(0.0, self.seconds - other.seconds),
        )


class AgentResult(Model):
    """An agent's answer with its usage; ``replayed`` is true when nobody thought.

    ``account`` names who keeps count, where ``usage`` is all that was used there so far: told again, it is the same.
    """

    output: AgentOutput
    usage: Usage = Field(default_factory=Usage)
    account: str | None = None
    replayed: bool = False
    warnings: list[str] = Field(default_factory=list)


class AgentRunStatus(StrEnum):
    """The statuses of the notes, §3.3."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class AgentRun(Stamped):
    """One request and its answer. ``ref`` is what the coding agent's port calls it, known once it was started.

    ``usage`` is what all attempts used; ``wasted`` is the part of those that came to nothing. ``counted`` is what was
    counted of each account, by its digest. ``asking`` is what a request takes that is out right now: an estimate.
    """

    COLLECTION: ClassVar[str] = "agent_runs"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("runId", ASCENDING), ("created_at", ASCENDING))),)

    run_id: str
    agent_id: str
    project_id: str
    node_key: str
    round: str
    ref: str | None = None
    input: AgentInput
    output: AgentOutput | None = None
    usage: Usage = Field(default_factory=Usage)
    wasted: Usage = Field(default_factory=Usage)
    counted: dict[str, Usage] = Field(default_factory=dict)
    asking: Usage | None = None
    steps: list[dict[str, Any]] = Field(default_factory=list)
    status: AgentRunStatus = AgentRunStatus.PENDING
    artifacts_in: list[str] = Field(default_factory=list)
    artifacts_out: list[str] = Field(default_factory=list)
    replayed: bool = False
    warnings: list[str] = Field(default_factory=list)
    error: str | None = None
