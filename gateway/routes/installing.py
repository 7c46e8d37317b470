"""Installing the GitHub App (the notes, §7.4): begin here, go to GitHub, come back to the callback."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from gateway.access import Admin
from ledger.models import Model
from tasks.github.installing import Begun, Installed, begin, finish

router = APIRouter(prefix="/auth/github-app", tags=["GitHub"])
State = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{43}$")]
Number = Annotated[int, Query(ge=1, le=2**53 - 1)]


class CallbackIn(Model):
    """What GitHub's setup address carries."""

    installation_id: int = Field(ge=1, le=2**53 - 1)
    state: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")


@router.post("/begin", status_code=201)
async def start(who: Admin) -> Begun:
    """Begin an installation: where to send the person."""
    return await begin(by=who.name)


@router.post("/callback")
async def callback(body: CallbackIn, _: Admin) -> Installed:
    """Finish it. The number counts only with the state that was given, and GitHub is asked."""
    return await finish(body.state, body.installation_id)


@router.get("/callback")
async def returned(state: State, installation_id: Number) -> Installed:
    """The same for a person's browser, which GitHub sends here: it needs no token, the state is the proof."""
    return await finish(state, installation_id)
