"""What came of a step on the runner, before and after it is signed. No network, so that signing it costs little."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field

from gha.messages import INLINE, Outcome, Result, artifact_name
from ledger.models import Model

PHASE = "EXECUTING"


class Done(Model):
    """What came of the work: ``result.json``, before it is signed."""

    state: str
    body: str = ""
    error: str | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)


def conclude(dispatch_id: str, run_id: str, node_id: str | None, done: Done) -> Outcome:
    """The outcome with all of its content, to be signed."""
    digest = hashlib.sha256(done.body.encode()).hexdigest() if done.state == "COMPLETED" else ""
    return Outcome.model_validate({
        "dispatchId": dispatch_id, "runId": run_id, "nodeId": node_id or None, "phase": PHASE, "state": done.state,
        "metrics": done.metrics, "artifacts": [artifact_name(dispatch_id)],
        "result": Result(sha256=digest, body=done.body or None, error=done.error),
    })  # fmt: skip


def for_callback(signed: dict[str, Any]) -> dict[str, Any]:
    """The outcome as it travels: content that is too large stays in the artifact, with its digest told."""
    result = dict(signed["result"])
    if len(result["body"] or "") > INLINE:
        result["body"] = None
    return {**signed, "result": result}
