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
from ledger.models.audit import Audit
from ledger.models.base import Document, Model, Stamped, now
from ledger.models.budget import Budget, Spent, Stopwatch
from ledger.models.control import Proof, ProofLine, Switch, switch_id
from ledger.models.effect import Effect, EffectKind, EffectStatus, Lease
from ledger.models.errand import Errand, ErrandStatus
from ledger.models.event import Event, EventType, Level, PendingEvent
from ledger.models.issue import DefectOrigin, Held, Issue, IssueStatus, issue_id
from ledger.models.quality import CheckReport, Finding, Severity, Verdict
from ledger.models.records import (
    Approval,
    CiStatus,
    Delivery,
    Deployment,
    DeploymentStatus,
    Dispatch,
    Handshake,
    Idea,
    Message,
    OnboardingDoc,
    Project,
    Request,
)
from ledger.models.replay import Move, Replay
from ledger.models.revision import DocVersion, Revision
from ledger.models.run import Carrier, ChainHead, Checkpoint, Executor, Interrupt, Outcome, ReleaseInfo, Run, RunState
from ledger.models.settings import DeploymentStrategy, DeploymentTarget, EffectiveSettings, Source, UserSettings
from ledger.models.slots import Slot, SlotTable
from ledger.models.spec import Forecast, IssueType, Plan, PlanNode, Requirement, Size, Spec

DOCUMENTS: tuple[type[Document], ...] = (
    Idea, Project, Run, Issue, Agent, AgentRun, Event, Effect, Dispatch, Delivery, CiStatus, Deployment,
    UserSettings, OnboardingDoc, Message, Audit, Approval, Request, Handshake,
    Errand,
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
    "Approval",
    "Audit",
    "Budget",
    "Carrier",
    "ChainHead",
    "CheckReport",
    "Checkpoint",
    "CiStatus",
    "DefectOrigin",
    "Delivery",
    "Deployment",
    "DeploymentStatus",
    "DeploymentStrategy",
    "DeploymentTarget",
    "Dispatch",
    "DocVersion",
    "Document",
    "Effect",
    "EffectKind",
    "EffectStatus",
    "EffectiveSettings",
    "Engine",
    "Errand",
    "ErrandStatus",
    "Event",
    "EventType",
    "Executor",
    "Finding",
    "Forecast",
    "Handshake",
    "Held",
    "Idea",
    "Interrupt",
    "Issue",
    "IssueStatus",
    "IssueType",
    "Lease",
    "Level",
    "Message",
    "Model",
    "Move",
    "OnboardingDoc",
    "Outcome",
    "PendingEvent",
    "Plan",
    "PlanNode",
    "Project",
    "Proof",
    "ProofLine",
    "ReleaseInfo",
    "Replay",
    "Request",
    "Requirement",
    "Revision",
    "Run",
    "RunState",
    "Severity",
    "Size",
    "Slot",
    "SlotTable",
    "Source",
    "Spec",
    "Spent",
    "Stamped",
    "Stopwatch",
    "Switch",
    "Usage",
    "UserSettings",
    "Verdict",
    "issue_id",
    "now",
    "switch_id",
]
