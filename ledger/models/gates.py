"""The gates of a merge: what must hold, how each stands, and the facts from outside by which that is judged."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from ledger.models.base import Model


class GateState(StrEnum):
    """How a gate stands. ``waits``: for a person, or for something that goes on; ``not-asked``: nobody wants it."""

    HOLDS = "holds"
    BLOCKS = "blocks"
    WAITS = "waits"
    NOT_ASKED = "not-asked"


class Gate(Model):
    """One thing that must hold before a merge, and what shows how it stands."""

    name: str
    state: GateState
    evidence: str


class Approved(Model):
    """Whose word a merge has, on which head, and where it was given."""

    by: str
    via: str
    head: str
    at: datetime


class GateFacts(Model):
    """What was found outside the tree about a node's merge, at ``at``.

    ``head`` is the pull request's; ``holds_tip``: it contains all of ``base``. ``required`` are the checks that the
    base asks for, each with its state on the tested head. ``budget`` is what of it is used up, in words.
    """

    at: datetime
    head: str
    base: str
    tip: str | None
    holds_tip: bool
    required: dict[str, str] = Field(default_factory=dict)
    approval_needed: bool = False
    approvals: list[Approved] = Field(default_factory=list)
    limited: bool = False
    budget: str = ""
