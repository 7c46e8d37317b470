"""Ideas and runs (the notes, §7.1): start one, look at one, say something to one, follow one live."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from gateway.access import Approver, Looker, Starter
from gateway.briefs import RunBrief, briefs
from gateway.paging import LINKED, Paged
from gateway.routes.nodes import key_of
from gateway.shapes import (
    CodeIn,
    EventOut,
    IdeaIn,
    InterruptIn,
    NodeId,
    ProjectId,
    RepoName,
    RunId,
    RunOut,
    Said,
    Started,
    event_out,
    run_out,
)
from gateway.stream import EventStream
from ledger.interrupts import words
from ledger.models import Run
from ledger.queries import events, snapshot
from shipline.ids import uuid7
from tasks import control
from tasks.code import project
from tasks.submit import submit_once

router = APIRouter(prefix="/api", tags=["Ideas and runs"])
MOST = 2**53 - 1  # a number that JSON carries whole
Once = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
           description="The same key again gives the same run."),
]  # fmt: skip
Seq = Annotated[int, Query(ge=0, le=MOST, description="The last number that you have.")]

_EVENTS = {
    "description": "Server-sent events; `id` is the event's `seq`, `data` the event.",
    "content": {
        "text/event-stream": {
            "schema": {  # of one event, as OpenAPI before 3.2 has it
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "event": {"type": "string"},
                    "data": {"type": "string", "contentMediaType": "application/json"},
                },
                "required": ["id", "data"],
            }
        }
    },
}


@router.post("/ideas", status_code=201)
async def start(body: IdeaIn, who: Starter, once: Once = None) -> Started:
    """Deliver an idea. With an ``Idempotency-Key`` a request that is sent again starts nothing new."""
    options = body.options
    run = await submit_once(
        f"api {who.name} {once or uuid7()}", body.idea_text, body.repo, size=options.size, dry_run=options.dry_run,
        budget=options.budget.budget, executor=options.executor,
    )  # fmt: skip
    return Started(run_id=run.id)


@router.post("/projects/{id}/code", status_code=201, tags=["Code"])
async def start_code(id: ProjectId, body: CodeIn, who: Starter, once: Once = None) -> Started:
    """Deliver an idea to a project's repository."""
    repo = (await project(id)).repo
    run = await submit_once(f"api {who.name} {once or uuid7()}", body.description, repo, size=body.size)
    return Started(run_id=run.id)


@router.get("/runs", responses=LINKED)
async def listed(
    request: Request, _: Looker, paging: Paged, repo: Annotated[RepoName | None, Query()] = None
) -> list[RunBrief]:
    """All runs, or those of a repository, the newest first."""
    store = request.app.state.store
    wanted = {"repo": repo} if repo else {}
    found = await paging.found(store, Run, wanted, [("created_at", -1), ("_id", 1)])
    return await briefs(store, found)


@router.get("/runs/{runId}")
async def show(
    request: Request, runId: RunId, _: Looker, after: Seq = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> RunOut:
    """A run and its timeline, from the number after ``after`` on."""
    store = request.app.state.store
    return run_out(await snapshot(store, runId), await events(store, runId, after=after, limit=limit))


@router.get("/runs/{runId}/events")
async def timeline(
    request: Request, runId: RunId, _: Looker, after: Seq = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> list[EventOut]:
    """More of the timeline."""
    store = request.app.state.store
    await store.get(Run, runId)
    return [event_out(each) for each in await events(store, runId, after=after, limit=limit)]


@router.post("/runs/{runId}/interrupt")
async def interrupt(runId: RunId, body: InterruptIn, who: Starter) -> Said:
    """Pause, resume or cancel."""
    if body.action == "pause":
        return Said(run_id=runId, said=f"{words(await control.pause(runId, by=who.name, reason=body.reason))}.")
    if body.action == "resume":
        return Said(run_id=runId, said=(await control.resume(runId, by=who.name)).said)
    proof = await control.cancel(runId, by=who.name, reason=body.reason)
    return Said(run_id=runId, said="\n".join(["Cancelled.", *map(str, proof.lines)]))


@router.post("/runs/{runId}/retry/{nodeId}")
async def retry(runId: RunId, nodeId: NodeId, request: Request, who: Starter) -> Said:
    """Try a node again that stopped."""
    key = await key_of(request.app.state.store, runId, nodeId)
    return Said(run_id=runId, said=(await control.retry(runId, key, by=who.name)).said)


@router.post("/runs/{runId}/allow/{nodeId}")
async def allow(runId: RunId, nodeId: NodeId, request: Request, who: Approver) -> Said:
    """Let the change of a node pass that a guard stopped: this change, this once."""
    key = await key_of(request.app.state.store, runId, nodeId)
    return Said(run_id=runId, said=(await control.allow(runId, key, by=who.name)).said)


@router.post("/runs/{runId}/advance")
async def advance(runId: RunId, who: Starter) -> Said:
    """Move on to the next stage, when nothing is in the way."""
    return Said(run_id=runId, said=(await control.advance(runId, by=who.name)).said)


@router.get("/runs/{runId}/stream", response_class=StreamingResponse, responses={200: _EVENTS})
async def stream(
    request: Request,
    runId: RunId,
    _: Looker,
    last_event_id: Annotated[str, Header(pattern=r"^[0-9]{0,15}$", description="The last number that you have.")] = "",
    after: Seq = 0,
) -> StreamingResponse:
    """Live events. Come back with ``Last-Event-ID`` (or ``after``), and nothing is missed or repeated."""
    await request.app.state.store.get(Run, runId)
    seen = int(last_event_id) if last_event_id else after
    return EventStream(request.app.state.live.follow(runId, seen))
