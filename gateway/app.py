"""The gateway: ``uvicorn --factory gateway.app:create_app``, which ``shipline up`` does. ``/docs`` shows all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway.described import describe
from gateway.errands import Errands
from gateway.inbox import Inbox
from gateway.problems import install
from gateway.routes import ROUTERS
from gateway.settings import load_gateway
from gateway.stream import Live
from ledger.store import Store
from shipline.config import load_settings
from tasks.context import close_context

PATIENCE = 5.0  # seconds that a request waits for the ledger: GitHub gives a delivery ten
ABOUT = """
Ideas, runs, issues, agents, code and deployments; webhooks from GitHub; live events.

Every call needs a bearer token (`shipline up` prints the local one) but the webhook, which is signed, and `/healthz`.
Errors are [problem+json](https://www.rfc-editor.org/rfc/rfc9457).
"""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway, settings = load_gateway(), load_settings()
    app.state.callers, app.state.secrets = gateway.callers(), gateway.secrets()
    store = await Store.open(settings.require_mongodb(), settings.database, timeout=PATIENCE, patience=PATIENCE)
    app.state.store = store
    try:
        async with Live(store) as live, Inbox(store) as inbox, Errands(store):
            app.state.live, app.state.inbox = live, inbox
            yield
    finally:
        await close_context()
        await store.close()


def create_app() -> FastAPI:
    """The application; what it needs is opened when it is served."""
    app = FastAPI(title="Shipline", version="1", description=ABOUT, lifespan=_lifespan, redirect_slashes=False)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    return app
