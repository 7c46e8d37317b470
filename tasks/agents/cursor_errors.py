"""What each refusal of Cursor's Cloud Agents API means to us. Pure.

By ``error.code`` first: the statuses that go with the codes are not part of the published contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from shipline.errors import AgentError, ConfigError, NotFound, ShiplineError, Unavailable


class Decision(StrEnum):
    """What is done about a refusal."""

    AGAIN = "again"  # the same request, after a while
    ATTACH = "attach"  # what was asked for is there already: take that
    POLL = "poll"  # the stream is of no use; ask for the run itself
    REVIVE = "revive"  # it was put away: bring it back, then ask again
    OVER = "over"  # there is nothing left to stop
    ESTIMATE = "estimate"  # they will not tell what it cost
    CONFIGURE = "configure"  # a person corrects the key, the plan, the model or the repository's connection
    WAIT = "wait"  # the account's allowance is used up: later, by a person
    MISSING = "missing"  # what it names is not there (any more)
    WRONG = "wrong"  # the request itself


DECISIONS: Mapping[str, Decision] = {
    "unauthorized": Decision.CONFIGURE,
    "api_key_not_found": Decision.CONFIGURE,
    "plan_required": Decision.CONFIGURE,
    "role_forbidden": Decision.CONFIGURE,
    "integration_not_connected": Decision.CONFIGURE,
    "repository_access": Decision.CONFIGURE,
    "service_account_required": Decision.CONFIGURE,
    "invalid_model": Decision.CONFIGURE,
    "feature_unavailable": Decision.ESTIMATE,
    "validation_error": Decision.WRONG,
    "missing_body": Decision.WRONG,
    "invalid_branch_name": Decision.WRONG,
    "repository_required": Decision.WRONG,
    "pr_resolution_failed": Decision.WRONG,
    "not_implemented": Decision.WRONG,
    "artifact_not_found": Decision.MISSING,
    "agent_not_found": Decision.MISSING,
    "run_not_found": Decision.MISSING,
    "agent_archived": Decision.REVIVE,
    "agent_busy": Decision.ATTACH,
    "agent_id_conflict": Decision.ATTACH,
    "run_not_cancellable": Decision.OVER,
    "invalid_last_event_id": Decision.POLL,
    "stream_expired": Decision.POLL,
    "stream_unavailable": Decision.POLL,
    "rate_limit_exceeded": Decision.AGAIN,
    "client_cancelled": Decision.AGAIN,
    "upstream_error": Decision.AGAIN,
    "internal_error": Decision.AGAIN,
    "usage_limit_exceeded": Decision.WAIT,
}
_BY_STATUS = {
    401: Decision.CONFIGURE, 403: Decision.CONFIGURE, 404: Decision.MISSING, 409: Decision.ATTACH, 410: Decision.POLL,
    429: Decision.AGAIN, 501: Decision.WRONG,
}  # fmt: skip


class CursorRefused(ShiplineError):
    """Cursor answered and said no. ``decision`` is what that means; ``retry_after`` is in seconds."""

    def __init__(self, status: int, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(f"Cursor answered {status} {code}: {message}")
        self.status, self.code, self.said, self.retry_after = status, code, message, retry_after
        self.decision = decide(status, code)


def decide(status: int, code: str) -> Decision:
    """By the code; one that is new to us by its status."""
    known = DECISIONS.get(code) or _BY_STATUS.get(status)
    return known or (Decision.AGAIN if status >= 500 else Decision.WRONG)


def refused(status: int, body: Any, retry_after: float | None = None) -> CursorRefused:
    """A refusal from its body; whatever is not in Cursor's shape counts by its status."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        message = " ".join(str(part) for part in (error.get("message"), error.get("helpUrl")) if part)
        return CursorRefused(status, str(error.get("code") or "unknown"), message, retry_after)
    return CursorRefused(status, "unknown", " ".join(str(body or "nothing more").split())[:200], retry_after)


def in_words(error: CursorRefused) -> ShiplineError:
    """A refusal that nothing else is done about, as one of our errors: with what a person is to do."""
    if error.decision in (Decision.CONFIGURE, Decision.ESTIMATE):
        return ConfigError(error.message, "docs/agents.md says what Cursor needs: the plan, the key, the repository.")
    if error.decision in (Decision.WAIT, Decision.AGAIN, Decision.POLL):
        return Unavailable(error.message, "Retry later; what is done stays done.")
    if error.decision is Decision.MISSING:
        return NotFound(error.message, "Retry: an agent is started anew.")
    if error.decision is Decision.WRONG:
        return AgentError(error.message, "Retry; if it comes back, report it as a defect of Shipline.")
    return AgentError(error.message, "It still works, is put away, or has ended: look at it in Cursor, then retry.")
