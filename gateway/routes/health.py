"""Whether the gateway answers, and its ledger with it."""

from __future__ import annotations

from fastapi import APIRouter, Request

from ledger.models import Model, Project

router = APIRouter(tags=["Health"])


class Health(Model):
    """All is well; otherwise the answer is a problem of status 503."""

    status: str
    listening: int


@router.get("/healthz")
async def health(request: Request) -> Health:
    """For load balancers and people; needs no token. ``listening`` counts the clients of live streams."""
    await request.app.state.store.find_one(Project, {})
    return Health(status="ok", listening=request.app.state.live.count)
