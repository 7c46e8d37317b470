"""The chain of a run's events: whether it is whole, and all of it to keep."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from gateway.access import Looker
from gateway.shapes import RunId
from ledger.models import ChainHead, Model, Run
from ledger.queries import exported
from ledger.timeline import verify

router = APIRouter(prefix="/api/runs/{runId}/audit", tags=["Audit"])
_LINES = {
    "description": "JSON lines, an event each, oldest first; each names the hash of the one before it.",
    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
}


class AuditOut(Model):
    """What was found. ``head`` is the last event's number and hash as the run keeps them."""

    run_id: str
    events: int
    whole: bool
    problems: list[str]
    head: ChainHead


@router.get("")
async def audit(request: Request, runId: RunId, _: Looker) -> AuditOut:
    """Prove that no event was altered, removed or cut off, or say what is not whole."""
    store = request.app.state.store
    count, problems = await verify(store, runId)
    head = (await store.get(Run, runId)).chain
    return AuditOut(run_id=runId, events=count, whole=not problems, problems=problems, head=head)


@router.get("/export", response_class=StreamingResponse, responses={200: _LINES})
async def export(request: Request, runId: RunId, _: Looker) -> StreamingResponse:
    """All events with their hashes."""
    store = request.app.state.store
    await store.get(Run, runId)
    return StreamingResponse(exported(store, runId), media_type="application/x-ndjson")
