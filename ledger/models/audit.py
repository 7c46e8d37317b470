"""A night's audit: which chains were verified, and which are not whole."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ledger.models.base import DESCENDING, Index, Stamped


class Audit(Stamped):
    """What one audit found. ``problems`` are by run id; ``everything``: it looked at runs nobody had touched too."""

    COLLECTION: ClassVar[str] = "audits"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index((("created_at", DESCENDING),)),)

    everything: bool
    runs: int
    events: int
    problems: dict[str, list[str]] = Field(default_factory=dict)
