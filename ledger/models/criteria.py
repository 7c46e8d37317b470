"""An acceptance criterion as a reviewer saw it."""

from __future__ import annotations

from ledger.models.base import Model


class CriterionSeen(Model):
    """Whether it is met, and what shows that: a test, a line, what was tried."""

    criterion: str
    met: bool
    evidence: str = ""
