"""What goes to GitHub for others (the notes, §7.2 and §7.4): a dispatch, and which repositories we can work on."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.access import Looker, Starter
from gateway.paging import LINKED, Paged
from gateway.routes.ideas import Once
from gateway.shapes import DispatchedOut, DispatchIn, RepoOut
from shipline.ids import uuid7
from tasks.context import context
from tasks.dispatching import dispatch
from tasks.github.look import AppSeen, app_seen, repositories

router = APIRouter(tags=["GitHub"])


@router.post("/github/dispatch", status_code=202)
async def send(body: DispatchIn, who: Starter, once: Once = None) -> DispatchedOut:
    """Start the workflows of a run's repository that wait for this type. The same key again sends nothing new."""
    key = f"api {who.name} {once or uuid7()}"
    sent = await dispatch(body.run_id, body.event_type, body.node_id, body.branch, body.params, key=key)
    return DispatchedOut(dispatch_id=sent.id, run_id=sent.run_id)


@router.get("/repos", responses=LINKED)
async def listed(_: Looker, paging: Paged) -> list[RepoOut]:
    """The repositories that Shipline may work on, at most three hundred."""
    return [
        RepoOut(full_name=name, default_branch=branch, private=private)
        for name, branch, private in paging.cut(await repositories())
    ]


@router.get("/api/github-app")
async def app(_: Looker) -> AppSeen:
    """The App that Shipline is: what it lacks, and what the owners have not accepted where it is installed."""
    return await app_seen((await context()).github)
