"""What planning agents write: the spec, and the nodes of the issue tree."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from ledger.models.base import Model

NODE_KEY = r"^[a-z0-9]+(?:[-.][a-z0-9]+)*$"


class Size(StrEnum):
    """How large a tree the person asked for; see ``ledger.rules.plan`` for the bounds."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class IssueType(StrEnum):
    """The kinds of issue (the notes, §3.1)."""

    EPIC = "epic"
    FEATURE = "feature"
    TASK = "task"
    DEFECT = "defect"


class Requirement(Model):
    """One thing the change must do. ``id`` is short (``R1``) and is traced to the release notes."""

    id: str = Field(pattern=r"^[A-Z]{1,3}[0-9]{1,3}$")
    text: str = Field(min_length=1)


class Spec(Model):
    """A product spec."""

    title: str = Field(min_length=1, max_length=120)
    problem: str = Field(min_length=1)
    goals: list[str] = Field(min_length=1)
    non_goals: list[str] = Field(default_factory=list)
    requirements: list[Requirement] = Field(min_length=1)
    acceptance_criteria: list[str] = Field(min_length=1)
    risks: list[str] = Field(default_factory=list)
    test_plan: list[str] = Field(default_factory=list)


class PlanNode(Model):
    """A node of the tree before it is an issue.

    ``parent`` is a key (None for the epic). Children of one parent run in the order of ``order_index``; equal indexes
    may run side by side. ``files`` are the paths (or folders ending in ``/``) that the work is expected to touch.
    ``agent`` is the role that implements a leaf.
    """

    key: str = Field(pattern=NODE_KEY, max_length=60)
    type: IssueType
    title: str = Field(min_length=1, max_length=200)
    body: str = ""
    parent: str | None = None
    order_index: int = Field(default=0, ge=0)
    dependencies: list[str] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    requirements: list[str] = Field(default_factory=list)
    acceptance_criteria: list[str] = Field(default_factory=list)
    agent: str = "developer-implementer"
    estimate_minutes: float = Field(default=10, gt=0)
    estimate_usd: float = Field(default=0, ge=0)


class Plan(Model):
    """The whole tree, the epic first."""

    nodes: list[PlanNode] = Field(min_length=1)


class Forecast(Model):
    """What a plan will take, for the person who approves it. Time is the critical path under the parallel limit."""

    leaves: int
    minutes_of_work: float
    minutes_to_finish: float
    usd: float
    critical_path: list[str]
