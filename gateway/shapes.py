"""What the gateway takes and gives, in camelCase. The names are the notes' (§3.3, §7)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import ConfigDict, Field, StrictBool

from ledger.models import (
    Agent,
    Budget,
    CiStatus,
    Deployment,
    Event,
    Executor,
    Forecast,
    Interrupt,
    Issue,
    Level,
    Model,
    OnboardingDoc,
    ReleaseInfo,
    Run,
    Size,
    Spec,
)
from ledger.queries import Snapshot
from ledger.rules.ready import Blocker
from ledger.rules.tree import Tree

RepoName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}$", examples=["org/repo"])]
IdeaText = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"\S")]
Branch = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$", examples=["task/145-login-submit"])]
RunId = Annotated[str, Path(pattern=r"^r-[0-9]{8}-[a-z0-9]{6}$", examples=["r-20261123-7k3f9q"])]
NodeId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="A node's key, or issue-NUMBER.")]
ProjectId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$", description="A project's id.")]
PullNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Body(Model):
    """What a caller writes: neither a truth value nor a word counts as a number, nor a number as a truth value."""

    model_config = ConfigDict(strict=True)


class BudgetIn(Body):
    """Limits of a run. Where some are set already, what is left out stays."""

    usd: Annotated[float | None, Field(ge=0, le=1e9)] = None
    tokens: Annotated[int | None, Field(ge=0, le=2**53 - 1)] = None
    minutes: Annotated[float | None, Field(ge=0, le=1e9)] = None

    @property
    def budget(self) -> Budget:
        """The same, as the ledger keeps it."""
        return Budget(**self.model_dump())


class IdeaOptions(Model):
    """How an idea is delivered. With ``dryRun`` it is only planned, until a person approves the plan."""

    size: Size = Size.MEDIUM
    dry_run: StrictBool = False
    executor: Executor | None = None
    budget: BudgetIn = Field(default_factory=BudgetIn)


class IdeaIn(Model):
    """An idea for a repository."""

    idea_text: IdeaText
    repo: RepoName
    options: IdeaOptions = Field(default_factory=IdeaOptions)


class CodeIn(Model):
    """An idea for a project's repository."""

    description: IdeaText
    size: Size = Size.MEDIUM


class Started(Model):
    """A run that was started."""

    run_id: str


class InterruptIn(Model):
    """What a person says to a run."""

    action: Literal["pause", "resume", "cancel"]
    reason: str = Field(default="", max_length=1000)


class Said(Model):
    """What came of it, in a sentence."""

    run_id: str
    said: str


class EventOut(Model):
    """One line of a run's timeline; ``seq`` has no gaps."""

    seq: int
    type: str
    phase: str
    level: Level
    msg: str
    node_id: str | None
    ts: datetime
    data: dict[str, Any]


class Waits(Model):
    """What a node waits for, and why."""

    key: str
    reason: str


class CiOut(Model):
    """A check of the issue's head, as GitHub told of it last."""

    name: str
    state: str
    url: str | None


class IssueOut(Model):
    """A node with what is under it. ``id`` is the ledger's; ``number`` GitHub's, once it is there."""

    id: str
    project_id: str
    run_id: str
    node_id: str
    number: int | None
    repo: str
    type: str
    title: str
    body: str
    parent_id: str | None
    order_index: int
    status: str
    waits_for: list[Waits]
    failure: str | None
    branch: str | None
    base: str | None
    pr_number: int | None
    labels: list[str]
    acceptance_criteria: list[str]
    dependencies: list[str]
    agent: str
    head: str | None
    merged_sha: str | None
    ci: list[CiOut]
    created_at: datetime
    updated_at: datetime
    children: list[IssueOut]


class RunOut(Model):
    """A run, with its timeline from the number that was asked for on."""

    run_id: str
    idea_id: str
    idea_text: str
    project_id: str
    repo: str
    size: Size
    dry_run: bool
    state: str
    outcome: str | None
    error: str | None
    interrupt: Interrupt
    current_issue_id: str | None
    root_issue_id: int | None
    correlation_id: str
    spec: Spec | None
    forecast: Forecast | None
    budget: Budget
    usd: float
    tokens: int
    release: ReleaseInfo | None
    created_at: datetime
    updated_at: datetime
    timeline: list[EventOut]


class TreeOut(Model):
    """A run's issues; empty while nothing is planned."""

    run_id: str
    issues: list[IssueOut]


class ReorderIn(Model):
    """The keys of all children of a node, in their new order."""

    order: list[Annotated[str, Field(max_length=80)]] = Field(min_length=1, max_length=200)


class AgentOut(Model):
    """One of the twelve."""

    id: str
    type: str
    agent_id: str
    engine: str
    name: str
    role: str
    goals: list[str]
    tools: list[str]
    constraints: list[str]
    guardrails: list[str]
    enabled: bool
    onboarding_doc_ref: str | None
    context_packs: list[str]


class OnboardingOut(Model):
    """What an agent reads first."""

    onboarding_doc_ref: str | None
    context_packs: list[str]
    text: str
    version: int


class OnboardingIn(Model):
    """Which document and which context packs an agent reads first."""

    onboarding_doc_ref: str = Field(min_length=1, max_length=200)
    context_packs: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(max_length=50)


class DeploymentOut(Model):
    """One version in one environment."""

    id: str
    run_id: str
    project_id: str
    repo: str
    environment: str
    target: str
    version: str
    sha: str
    status: str
    url: str | None
    detail: str
    created_at: datetime
    updated_at: datetime


VersionName = Annotated[str, Field(pattern=r"^v?[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+-]{0,40}$", examples=["v0.2.0"])]


class RollbackIn(Model):
    """Where back to; the version before, unless it is named."""

    version: VersionName | None = None


class DeployIn(Model):
    """Which release goes where."""

    version: VersionName
    env: str = Field(min_length=1, max_length=60, examples=["local"])


class Asked(Model):
    """A flow run in Prefect that does it."""

    run_id: str
    flow_run_id: str


class DefectIn(Model):
    """Something that is wrong with an issue's work."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field(default="", max_length=20_000)
    path: str | None = Field(default=None, max_length=400)


class DispatchIn(Model):
    """What is sent to a run's repository. Ids, not contents."""

    event_type: str = Field(min_length=1, max_length=100, examples=["qa.run.request"])
    run_id: Annotated[str, Field(pattern=r"^r-[0-9]{8}-[a-z0-9]{6}$")]
    node_id: str | None = Field(default=None, max_length=80)
    branch: Branch | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class DispatchedOut(Model):
    """What was sent; the workflow gets the same id."""

    dispatch_id: str
    run_id: str


class RepoOut(Model):
    """A repository that Shipline may work on."""

    full_name: str
    default_branch: str
    private: bool


def run_out(seen: Snapshot, told: list[Event]) -> RunOut:
    """A run as the gateway shows it."""
    run: Run = seen.run
    return RunOut(
        run_id=run.id, idea_text=seen.idea, usd=seen.usage.usd,
        tokens=seen.usage.input_tokens + seen.usage.output_tokens, timeline=[event_out(each) for each in told],
        **{name: getattr(run, name) for name in RunOut.model_fields if name not in _OWN},
    )  # fmt: skip


_OWN = ("run_id", "idea_text", "usd", "tokens", "timeline")


def event_out(event: Event) -> EventOut:
    """One line."""
    return EventOut(**{name: getattr(event, name) for name in EventOut.model_fields})


def issue_out(tree: Tree, issue: Issue, waits: dict[str, list[Blocker]], ci: dict[str, list[CiStatus]]) -> IssueOut:
    """A node with all that is under it; ``ci`` is what is known of each commit."""
    parent = tree[issue.parent].id if issue.parent else None
    own = ("node_id", "parent_id", "waits_for", "children", "dependencies", "ci")
    stops = [Waits(key=each.key, reason=each.reason) for each in waits.get(issue.key, [])]
    return IssueOut(
        node_id=issue.key, parent_id=parent, waits_for=stops,
        dependencies=[tree[key].id for key in issue.dependencies if key in tree],
        ci=[CiOut(name=each.name, state=each.state, url=each.url) for each in ci.get(issue.head or "", [])],
        children=[issue_out(tree, each, waits, ci) for each in tree.children(issue.key)],
        **{name: getattr(issue, name) for name in IssueOut.model_fields if name not in own},
    )  # fmt: skip


def agent_out(agent: Agent) -> AgentOut:
    """One agent."""
    return AgentOut(**{name: getattr(agent, name) for name in AgentOut.model_fields})


def onboarding_out(agent: Agent, document: OnboardingDoc | None) -> OnboardingOut:
    """What it reads first; an agent without a document has an empty text of version 0."""
    return OnboardingOut(
        onboarding_doc_ref=agent.onboarding_doc_ref, context_packs=agent.context_packs,
        text=document.text if document else "", version=document.version if document else 0,
    )  # fmt: skip


def deployment_out(found: Deployment) -> DeploymentOut:
    """One deployment."""
    return DeploymentOut(**{name: getattr(found, name) for name in DeploymentOut.model_fields})
