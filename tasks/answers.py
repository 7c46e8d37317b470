"""The shapes in which agents answer, beside the ledger's own (``Spec``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ledger.models import AgentResult, CriterionSeen, IssueType, Model
from ledger.models.spec import NODE_KEY


class Produced(Model):
    """What a coding agent made: a patch on ``base`` (and on ``merged``, when it resolved a conflict)."""

    result: AgentResult
    base: str
    merged: str | None = None
    patch: str


class RoadmapNode(Model):
    """A node as the roadmap decomposer draws it: no criteria, no order yet."""

    key: str = Field(pattern=NODE_KEY, max_length=60)
    type: IssueType
    title: str
    body: str = ""
    parent: str | None = None
    files: list[str] = Field(default_factory=list)
    requirements: list[str] = Field(default_factory=list)
    agent: str = "developer-implementer"
    estimate_minutes: float = 10
    estimate_usd: float = 0


class Roadmap(Model):
    """The roadmap decomposer's answer."""

    nodes: list[RoadmapNode]


class Criteria(Model):
    """The acceptance criteria author's answer: criteria by node key."""

    criteria: dict[str, list[str]]


class Place(Model):
    """Where a node stands among its siblings, and what it waits for."""

    order_index: int = 0
    dependencies: list[str] = Field(default_factory=list)


class Order(Model):
    """The issue planner's answer: places by node key."""

    order: dict[str, Place]


class ReviewComment(Model):
    """A remark on a line."""

    path: str
    line: int | None = None
    body: str


class Review(Model):
    """The code reviewer's answer."""

    verdict: Literal["approve", "request_changes"]
    summary: str
    comments: list[ReviewComment] = Field(default_factory=list)
    criteria: list[CriterionSeen] = Field(default_factory=list)


class QaOpinion(Model):
    """The QA tester's answer about the whole."""

    verdict: Literal["pass", "fail"]
    summary: str
    explored: list[str] = Field(default_factory=list)
    criteria: list[CriterionSeen] = Field(default_factory=list)


class AuditOpinion(Model):
    """The security auditor's answer about the whole."""

    summary: str
    accepted: list[str] = Field(default_factory=list)


class ReleaseStory(Model):
    """The release manager's answer."""

    headline: str
    summary: str
    highlights: list[str] = Field(default_factory=list)
    upgrade_notes: list[str] = Field(default_factory=list)
