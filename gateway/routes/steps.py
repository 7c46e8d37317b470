"""What a step in GitHub Actions asks: what is to be done, and whether it may go on (``controls.json``).

A runner holds no token of ours. It shows a key that only who knows the dispatch secret can make, good for one dispatch.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.problems import Denied
from gha.messages import Controls, StepJob, Ticket, key_for
from ledger.models import Dispatch, Run
from shipline.config import load_settings
from shipline.errors import ConfigError, NotFound

router = APIRouter(prefix="/api/dispatches", tags=["GitHub Actions"])
_key = HTTPBearer(auto_error=False, scheme_name="StepKey", description="Made from the dispatch secret and the id.")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_key)]
DispatchId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


def _secret() -> str:
    secret = load_settings().dispatch_secret
    if secret is None:
        raise ConfigError("No dispatch secret is configured.", "Set SHIPLINE_DISPATCH_SECRET.")
    return secret.get_secret_value()


def _opened_by(what: Literal["job", "controls"]) -> Callable[..., Coroutine[Any, Any, Dispatch]]:
    """A dependency: the dispatch whose key was shown; Denied (401) without the right one, as for one that is not."""

    async def check(request: Request, dispatchId: DispatchId, given: Given) -> Dispatch:
        asked = given.credentials.encode() if given else b""
        if not hmac.compare_digest(key_for(what, dispatchId, _secret()).encode(), asked):
            raise Denied(401, "This is not the key of the dispatch.", "SHIPLINE_DISPATCH_SECRET must be ours.")
        found: Dispatch = await request.app.state.store.get(Dispatch, dispatchId)
        return found

    return check


@router.get("/{dispatchId}/job")
async def job(sent: Annotated[Dispatch, Depends(_opened_by("job"))]) -> Ticket:
    """What is to be done."""
    if sent.job is None:
        raise NotFound(f"{sent.id} is no step of a run.")
    return Ticket(
        dispatch_id=sent.id, run_id=sent.run_id, node_id=sent.payload.get("nodeId"), event_type=sent.event_type,
        job=StepJob.model_validate(sent.job), controls_key=key_for("controls", sent.id, _secret()),
    )  # fmt: skip


@router.get("/{dispatchId}/controls.json")
async def controls(request: Request, sent: Annotated[Dispatch, Depends(_opened_by("controls"))]) -> Controls:
    """Whether the step may go on: not while its run is paused, and no more when nobody waits for it."""
    run = await request.app.state.store.get(Run, sent.run_id)
    over = run.outcome is not None or sent.outcome is not None
    return Controls(paused=run.interrupt.paused, cancelled=run.interrupt.cancelled or over)
