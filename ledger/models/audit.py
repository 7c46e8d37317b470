"""A night's audit: which chains were verified, and which are not whole."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from pymongo import DESCENDING, IndexModel

from ledger.models.base import Stamped


class Audit(Stamped):
    """What one audit found. ``problems`` are by run id; ``everything``: it looked at runs nobody had touched too."""

    COLLECTION: ClassVar[str] = "audits"
    INDEXES: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("created_at", DESCENDING)]),)

    everything: bool
    runs: int
    events: int
    problems: dict[str, list[str]] = Field(default_factory=dict)
