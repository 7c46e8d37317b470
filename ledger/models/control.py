"""A person's word about everything, and the proof that a cancelled run left nothing running."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from ledger.models.base import Model, Stamped, now


class Switch(Stamped):
    """While ``paused``, runs that are started wait. ``scope`` is a repository, or ``*`` for all of them."""

    COLLECTION: ClassVar[str] = "settings"

    scope: str
    paused: bool = False
    by: str = ""
    reason: str = ""
    since: datetime = Field(default_factory=now)


def switch_id(scope: str) -> str:
    """The id of a scope's switch; no project has an id like it."""
    return f"pause:{scope}"


class ProofLine(Model):
    """One kind of thing that may be left: what was found of it. ``clear`` is false when something still runs."""

    what: str
    clear: bool
    found: list[str] = Field(default_factory=list)
    note: str = ""

    def __str__(self) -> str:
        words = ", ".join(self.found) or "none"
        return f"{self.what}: {words}" + (f" ({self.note})" if self.note else "")


class Proof(Model):
    """What a cancelled run left behind, looked up at ``at``."""

    run_id: str
    at: datetime = Field(default_factory=now)
    lines: list[ProofLine]

    @property
    def clear(self) -> bool:
        """Whether nothing runs any more."""
        return all(line.clear for line in self.lines)
