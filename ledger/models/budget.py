"""What a run may use, and what it has used."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger.models.base import Model


class Budget(Model):
    """Limits for a run's whole tree; None is no limit. ``minutes`` are those of a clock on the wall, without pauses."""

    usd: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    minutes: float | None = Field(default=None, ge=0)


class Stopwatch(Model):
    """How long a run has been worked on: ``seconds`` up to ``at``, by the database's clock."""

    seconds: float = 0
    at: datetime | None = None


class Spent(Model):
    """What a run has used of its budget. ``replayed``: some of it once, by agents whose answers are repeated."""

    usd: float = 0
    tokens: int = 0
    minutes: float = 0
    replayed: bool = False
