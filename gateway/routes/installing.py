"""Installing the GitHub App (the notes, §7.4): begin here, go to GitHub, come back to the callback."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import Field

from gateway.access import Admin
from gateway.pages import HEADERS, app_installed, app_made, new_app
from ledger.models import Model
from tasks.github.founding import begin_app, finish_app, manifest
from tasks.github.installing import Begun, Installed, begin, finish

router = APIRouter(prefix="/auth/github-app", tags=["GitHub"])
State = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{43}$")]
Number = Annotated[int, Query(ge=1, le=2**53 - 1)]


class CallbackIn(Model):
    """What GitHub's setup address carries."""

    installation_id: int = Field(ge=1, le=2**53 - 1)
    state: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")


class NewApp(Model):
    """Where GitHub reaches this gateway, and which organization is to own the App (without one, you)."""

    url: str = Field(min_length=8, max_length=200, pattern=r"^https?://[^\s]+$")
    organization: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,39}$")


class Page(Model):
    """A page of this gateway's, for a browser."""

    path: str


@router.post("/new", status_code=201)
async def found(body: NewApp, who: Admin) -> Page:
    """Begin to make an App; the page that goes on with it is good for an hour."""
    return Page(path=await begin_app(by=who.name, url=body.url, organization=body.organization))


@router.get("/new", response_class=HTMLResponse)
async def new(state: State) -> HTMLResponse:
    """What the App will be, and the way to GitHub. The state is the proof."""
    return HTMLResponse(new_app(await manifest(state)), headers=HEADERS)


@router.get("/created", response_class=HTMLResponse)
async def created(state: State, code: Annotated[str, Query(pattern=r"^[A-Za-z0-9]{8,80}$")]) -> HTMLResponse:
    """Where GitHub sends the browser when the App is made."""
    return HTMLResponse(app_made(await finish_app(state, code)), headers=HEADERS)


@router.post("/begin", status_code=201)
async def start(who: Admin) -> Begun:
    """Begin an installation: where to send the person."""
    return await begin(by=who.name)


@router.post("/callback")
async def callback(body: CallbackIn, _: Admin) -> Installed:
    """Finish it. The number counts only with the state that was given, and GitHub is asked."""
    return await finish(body.state, body.installation_id)


@router.get("/callback", response_class=HTMLResponse)
async def returned(state: State, installation_id: Number) -> HTMLResponse:
    """The same for a person's browser, which GitHub sends here: it needs no token, the state is the proof."""
    return HTMLResponse(app_installed(await finish(state, installation_id)), headers=HEADERS)
