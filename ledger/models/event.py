"""The timeline: one document an event, numbered without gaps, each holding the hash of the one before."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ledger.models.base import ASCENDING, Document, Index, Model, now


class Level(StrEnum):
    """How loud an event is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventType(StrEnum):
    """The live event types of the notes, §6.3."""

    WORKFLOW_STARTED = "workflow.started"
    STEP_STARTED = "workflow.step.started"
    STEP_COMPLETED = "workflow.step.completed"
    STEP_FAILED = "workflow.step.failed"
    WORKFLOW_COMPLETED = "workflow.completed"
    WORKFLOW_FAILED = "workflow.failed"
    CI_STATUS = "ci.status"
    ISSUE_UPDATED = "issue.updated"


class PendingEvent(Model):
    """An event that waits in a document's outbox. ``id`` is deterministic, so that twice is once."""

    id: str
    type: EventType
    phase: str
    level: Level = Level.INFO
    msg: str
    node_id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    ts: datetime = Field(default_factory=now)


class Event(Document):
    """An event of a run, never changed. ``hash`` covers everything else, ``prev_hash`` included."""

    COLLECTION: ClassVar[str] = "events"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index((("runId", ASCENDING), ("seq", ASCENDING)), unique=True),
        Index((("runId", ASCENDING), ("nodeId", ASCENDING), ("seq", ASCENDING))),
    )

    run_id: str
    seq: int = Field(ge=1)
    type: EventType
    phase: str
    level: Level
    msg: str
    node_id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    ts: datetime
    prev_hash: str
    hash: str
