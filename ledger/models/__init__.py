"""The ledger's models. One import gives them all: ``from ledger.models import Run, Issue``."""

from ledger.models.agents import (
    Agent,
    AgentInput,
    AgentJob,
    AgentOutput,
    AgentResult,
    AgentRun,
    AgentRunStatus,
    AgentType,
    Engine,
    Usage,
)
from ledger.models.base import Document, Model, Stamped, now
from ledger.models.effect import Effect, EffectKind, EffectStatus, Lease
from ledger.models.event import Event, EventType, Level, PendingEvent
from ledger.models.issue import DefectOrigin, Issue, IssueStatus, issue_id
from ledger.models.quality import CheckReport, Finding, Severity, Verdict
from ledger.models.records import (
    CiStatus,
    Delivery,
    Deployment,
    DeploymentStatus,
    Dispatch,
    Idea,
    Message,
    OnboardingDoc,
    Project,
    UserSettings,
)
from ledger.models.run import ChainHead, Interrupt, Outcome, ReleaseInfo, Run, RunState
from ledger.models.spec import Forecast, IssueType, Plan, PlanNode, Requirement, Size, Spec

DOCUMENTS: tuple[type[Document], ...] = (
    Idea, Project, Run, Issue, Agent, AgentRun, Event, Effect, Dispatch, Delivery, CiStatus, Deployment,
    UserSettings, OnboardingDoc, Message,
)  # fmt: skip

__all__ = [
    "DOCUMENTS",
    "Agent",
    "AgentInput",
    "AgentJob",
    "AgentOutput",
    "AgentResult",
    "AgentRun",
    "AgentRunStatus",
    "AgentType",
    "ChainHead",
    "CheckReport",
    "CiStatus",
    "DefectOrigin",
    "Delivery",
    "Deployment",
    "DeploymentStatus",
    "Dispatch",
    "Document",
    "Effect",
    "EffectKind",
    "EffectStatus",
    "Engine",
    "Event",
    "EventType",
    "Finding",
    "Forecast",
    "Idea",
    "Interrupt",
    "Issue",
    "IssueStatus",
    "IssueType",
    "Lease",
    "Level",
    "Message",
    "Model",
    "OnboardingDoc",
    "Outcome",
    "PendingEvent",
    "Plan",
    "PlanNode",
    "Project",
    "ReleaseInfo",
    "Requirement",
    "Run",
    "RunState",
    "Severity",
    "Size",
    "Spec",
    "Stamped",
    "Usage",
    "UserSettings",
    "Verdict",
    "issue_id",
    "now",
]
