"""Starting a workflow in a repository (the notes, §9.1): signed, remembered, and sent once for each key.

GitHub answers a dispatch with nothing, so one whose answer was lost cannot be looked for: its ``dispatchId`` goes with
it, and whoever receives the same one twice ignores the second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gha.messages import CHORES, Request, StepJob, sign_request
from ledger.models import Dispatch, Run
from shipline.errors import ConfigError, InvalidInput
from shipline.ids import uuid7
from tasks.context import Context, context
from tasks.github.repo import Repo

# The types of the notes, §6.2, and those of the workflows that §5 has besides.
TYPES = (
    "orchestrator.start", "orchestrator.pause", "orchestrator.cancel", "ai.spec.request", "ai.plan.request",
    "issues.sync.request", "agent.cursor.execute.request", "agent.cursor.review.request", "qa.run.request",
    "qa.defect.file.request", "merge.gate.request", "deploy.request", "audit.emit", "ai.nemotron.request",
    "sec.scan.request", "release.notes.request", "branch.manage.request", "artifacts.retention.request",
    "exec.loop.request",
)  # fmt: skip
MOST = 60_000  # characters; GitHub takes 65,535


def require_secret(ctx: Context) -> str:
    """What dispatches are signed with; ConfigError says how to give one."""
    if ctx.settings.dispatch_secret is None:
        raise ConfigError("Dispatches cannot be signed.", "Set SHIPLINE_DISPATCH_SECRET, here and in the repository.")
    return ctx.settings.dispatch_secret.get_secret_value()


async def dispatch(
    run_id: str, event_type: str, node_id: str | None, branch: str | None, params: Mapping[str, Any], *, key: str,
    about: str | None = None, job: dict[str, Any] | None = None,
) -> Dispatch:  # fmt: skip
    """Send it, unless it was sent under this key before. InvalidInput when the key stands for another one.

    One with a ``job`` carries out a step; ``about`` is the effect it is for.
    """
    ctx = await context()
    secret = require_secret(ctx)
    run = await ctx.store.get(Run, run_id)
    if event_type not in TYPES:
        raise InvalidInput(f"{event_type!r} starts nothing.", f"There are: {', '.join(TYPES)}.")
    body = {"runId": run.id, "nodeId": node_id, "repo": run.repo, "branch": branch, "params": dict(params)}
    if len(json.dumps(body)) > MOST:
        raise InvalidInput(f"The parameters are larger than {MOST:,} characters.", "Pass ids, not contents.")
    if job is None and event_type in CHORES:
        head = params.get("sha") if event_type == "deploy.request" else None
        job = StepJob(kind=CHORES[event_type], head=head, params=dict(params)).model_dump(mode="json", by_alias=True)
    mine = Dispatch(id=uuid7(), key=key, run_id=run.id, event_type=event_type, payload=body, about=about, job=job)
    if not await ctx.store.insert(mine):
        known = await ctx.store.find_one(Dispatch, {"key": key})
        if known is None or (known.event_type, known.payload) != (event_type, body):
            raise InvalidInput("This key stands for another dispatch already.", "Give this one a key of its own.")
        if known.sent:
            return known
        mine = known
    await Repo(ctx.github, run.repo).dispatch(event_type, signed(mine, secret))
    await ctx.store.change(Dispatch, mine.id, {"sent": True})
    return mine


def signed(sent: Dispatch, secret: str) -> dict[str, Any]:
    """The ``client_payload``."""
    request = Request.model_validate({"type": sent.event_type, "dispatchId": sent.id, **sent.payload})
    return sign_request(request, secret)
