"""The journal of all that was done outside: an intent, then an outcome."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from ledger.models.base import Model, Stamped
from ledger.models.event import PendingEvent


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
    INDEXES: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("runId", ASCENDING), ("created_at", ASCENDING)]),
        IndexModel([("status", ASCENDING), ("updated_at", ASCENDING)]),
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
