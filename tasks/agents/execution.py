"""``POST /adapters/cursor/execute``: what comes back. The gateway serves it, the http adapter asks it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from ledger.models import Model, Usage

PATH = "/adapters/cursor/execute"
Status = Literal["waiting", "working", "completed", "failed", "cancelled"]


class Execution(Model):
    """Work as it stands. ``head`` is the commit that the branch is at since then, None when nothing was changed.

    ``log`` is what the agent said; ``answer`` the JSON object in its last words, when there is one.
    """

    model_config = ConfigDict(extra="ignore")  # another server may say more than we ask for

    id: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._~-]+$")
    status: Status
    head: str | None = None
    summary: str = ""
    notes: str = ""
    answer: dict[str, Any] | None = None
    usage: Usage | None = None
    warnings: list[str] = Field(default_factory=list)
    artifacts: list[str] = Field(default_factory=list)
    log: list[str] = Field(default_factory=list)
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in ("waiting", "working")
