"""An errand: work that somebody else's Shipline, or another tool, asks of this one's coding agent by HTTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from ledger.models.agents import AgentResult, Usage
from ledger.models.base import ASCENDING, Index, Stamped, now


class ErrandStatus(StrEnum):
    """Where an errand stands. The last three are its end."""

    WAITING = "waiting"
    WORKING = "working"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Errand(Stamped):
    """One request; ``id`` names who asked and how they call it. Work goes to ``branch``, which began at ``base``.

    ``until`` is when whoever works on it counts as gone unless heard of; ``log`` is what the agent said, oldest first.
    ``attempt`` counts how often it was begun anew; ``used`` is what the agents of all attempts used.
    """

    COLLECTION: ClassVar[str] = "errands"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("status", ASCENDING), ("until", ASCENDING))),)

    repo: str
    branch: str
    task: str
    context: str
    status: ErrandStatus = ErrandStatus.WAITING
    until: datetime = Field(default_factory=now)
    starts: int = 0
    attempt: int = 1
    base: str | None = None
    head: str | None = None
    ref: str | None = None
    result: AgentResult | None = None
    used: Usage | None = None
    error: str | None = None
    log: list[str] = Field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in (ErrandStatus.WAITING, ErrandStatus.WORKING)

    @property
    def key(self) -> str:
        """What the agent of this attempt is called."""
        return self.id if self.attempt == 1 else f"{self.id}.{self.attempt}"
