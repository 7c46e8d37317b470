"""Who changed what: settings and agents keep their changes, documents their versions."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ledger.models.base import Model, now


class Revision(Model):
    """One change that a person made: field → what it was and what it became, as text."""

    by: str
    at: datetime = Field(default_factory=now)
    changes: dict[str, tuple[str, str]]


class DocVersion(Model):
    """An onboarding document as it once was; ``by`` is None for the one that was shipped."""

    version: int
    text: str
    by: str | None
    at: datetime
