"""Who works on what right now, across processes and machines: a table of slots, held and asked for."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from ledger.models.base import Document, Model


class Slot(Model):
    """One request for a slot, held or waiting.

    ``key`` is what it is for: no two holders share one. ``group`` is whom it is for (a run), which holds at most
    ``limit`` at once; slots are shared out fairly between groups. One that does not ``count`` only keeps its key.
    """

    id: str
    key: str
    group: str
    owner: str
    limit: int = Field(ge=1)
    counts: bool = True
    held: bool = False
    since: datetime
    until: datetime


class SlotTable(Document):
    """All slots of one kind. ``version`` rises whenever one is taken, so that two are never taken for one."""

    COLLECTION: ClassVar[str] = "slots"

    version: int = 0
    slots: list[Slot] = Field(default_factory=list)
