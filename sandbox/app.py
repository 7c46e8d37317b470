"""Everything put together: the routes behind the front door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from sandbox.actions.runner import Actions
from sandbox.answers import Refused, not_found, refusal
from sandbox.faults.middleware import Faults
from sandbox.faults.rules import Book
from sandbox.faults.wire import Wire
from sandbox.founding import seed
from sandbox.front import FrontDoor, unexpected
from sandbox.hooks.telling import Hook, Teller
from sandbox.hub import Hub
from sandbox.limits import Limits
from sandbox.pull_facts import follow_all
from sandbox.routes import OPTIONAL, ROUTERS


def build(
    hub: Hub,
    limits: Limits,
    seeds: Mapping[str, Path],
    wire: Wire,
    ready: Callable[[], None],
    hook: Hook | None = None,
    actions: Actions | None = None,
) -> ASGIApp:
    """The application; ``ready`` is called once it can answer. ``wire`` knows the connections it is served on.

    With a ``hook`` everything that happens is told to it; with ``actions`` workflows run.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            for name, folder in seeds.items():
                await seed(hub, name, folder)
            await follow_all(hub)
            async with _told(app.state.teller):
                ready()
                yield
        finally:
            if actions is not None:
                await actions.close()
            hub.close()

    app = FastAPI(
        title="Shipline sandbox", lifespan=lifespan, openapi_url=None, strict_content_type=False,
        redirect_slashes=False,
    )  # fmt: skip
    app.state.hub, app.state.limits, app.state.faults = hub, limits, Book()
    lacking = [OPTIONAL[name] for name in hub.without]
    for router in ROUTERS:
        if router not in lacking:
            app.include_router(router)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _fault)
    teller = app.state.teller = Teller(app, hub, hook) if hook else None
    app.state.actions = actions
    if actions is not None and teller is not None:
        actions.announce = teller.ran
    return Faults(FrontDoor(teller or app, hub, limits), app.state.faults, wire)


@asynccontextmanager
async def _told(teller: Teller | None) -> AsyncIterator[None]:
    """Meanwhile, what happens is told."""
    telling = asyncio.create_task(teller.serve()) if teller else None
    try:
        yield
    finally:
        if telling is not None:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling


async def _refused(_: Request, error: Exception) -> Response:
    return refusal(error if isinstance(error, Refused) else not_found())


async def _no_route(_: Request, _error: Exception) -> Response:
    # GitHub answers 404 to a path that it does not know and to a method that the path does not take.
    return refusal(not_found())


async def _fault(_: Request, _error: Exception) -> Response:
    return unexpected()


async def _malformed(_: Request, error: Exception) -> Response:
    """A body that is no JSON (400), lacks a field or holds one of the wrong type (422), in GitHub's words."""
    details: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    if any(detail["type"] == "json_invalid" for detail in details):
        return refusal(Refused(400, "Problems parsing JSON"))
    sentences = [_sentence(detail) for detail in details if detail["loc"][0] == "body"]
    if not sentences:  # a number in the path that is none
        return refusal(not_found())
    return refusal(Refused(422, "Invalid request.\n\n" + "\n".join(dict.fromkeys(sentences))))


def _sentence(detail: dict[str, Any]) -> str:
    path = [str(part) for part in detail["loc"][1:]]
    if detail["type"] == "missing":
        return f'"{path[-1]}" wasn\'t supplied.' if path else "Body should be a JSON object"
    return f"For 'properties/{'/'.join(path)}', {detail['input']!r}: {detail['msg']}."
