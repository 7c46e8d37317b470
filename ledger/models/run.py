"""A run: one idea on its way to a release."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, DESCENDING, Index, Model, Stamped
from ledger.models.budget import Budget, Stopwatch
from ledger.models.event import PendingEvent
from ledger.models.replay import Replay
from ledger.models.spec import Forecast, Size, Spec


class RunState(StrEnum):
    """The eight states of the notes, §1.2."""

    IDEA_SUBMITTED = "IDEA_SUBMITTED"
    SPEC_WRITING = "SPEC_WRITING"
    ISSUE_TREE = "ISSUE_TREE"
    EXECUTION_LOOP = "EXECUTION_LOOP"
    QA = "QA"
    MERGE = "MERGE"
    RELEASE = "RELEASE"
    DONE = "DONE"


class Outcome(StrEnum):
    """How a run ended; a run without one is still on its way."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PLANNED = "planned"


class Executor(StrEnum):
    """Where agents and checks work: in the worker that carries the run, or in the repository's GitHub Actions."""

    WORKER = "worker"
    ACTIONS = "actions"


class Interrupt(Model):
    """A person's word to stop: whose, and when it was said."""

    paused: bool = False
    cancelled: bool = False
    reason: str | None = None
    by: str | None = None
    since: datetime | None = None


class Carrier(Model):
    """The process that carries the run for one flow run, named so that its end can be told from another's pid."""

    machine: str
    pid: int
    started: float


class ChainHead(Model):
    """The last event's number and hash, kept beside the run so that a cut tail shows."""

    seq: int = 0
    hash: str = ""


class Checkpoint(Model):
    """What retention left of the events that it removed: the last one's number and hash, and when."""

    seq: int
    hash: str
    at: datetime


class ReleaseInfo(Model):
    """What was released."""

    version: str
    tag: str
    sha: str
    url: str
    audit_seq: int
    audit_hash: str


class Run(Stamped):
    """One run. ``base_sha`` is ``integration`` before the run touched it; ``carriers`` are by Prefect's flow run id.

    ``release_day`` is the date in the changelog, as YYYY-MM-DD; ``replay`` is there when the run repeats a recording.
    ``audited`` is the head that the last audit found whole; ``removed`` says which events retention removed.
    """

    COLLECTION: ClassVar[str] = "runs"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("created_at", DESCENDING),)),
        Index((("projectId", ASCENDING), ("created_at", DESCENDING))),
        Index((("outcome", ASCENDING), ("state", ASCENDING))),
    )

    idea_id: str
    project_id: str
    repo: str
    size: Size = Size.MEDIUM
    dry_run: bool = False
    executor: Executor = Executor.WORKER
    state: RunState = RunState.IDEA_SUBMITTED
    outcome: Outcome | None = None
    error: str | None = None
    interrupt: Interrupt = Field(default_factory=Interrupt)
    carriers: dict[str, Carrier] = Field(default_factory=dict)
    current_issue_id: str | None = None
    root_issue_id: int | None = None
    budget: Budget = Field(default_factory=Budget)
    budget_warned: list[str] = Field(default_factory=list)
    clock: Stopwatch = Field(default_factory=Stopwatch)
    correlation_id: str
    base_sha: str | None = None
    spec: Spec | None = None
    forecast: Forecast | None = None
    approved_by: str | None = None
    planned_at_sha: str | None = None
    release_day: str | None = None
    release: ReleaseInfo | None = None
    replay: Replay | None = None
    chain: ChainHead = Field(default_factory=ChainHead)
    audited: ChainHead = Field(default_factory=ChainHead)
    removed: Checkpoint | None = None
    outbox: list[PendingEvent] = Field(default_factory=list)
