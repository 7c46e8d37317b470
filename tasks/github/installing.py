"""Installing the App: somebody begins it here, goes to GitHub, and comes back with what we gave them.

GitHub sends the installation's number in an address that anybody can write, so it counts only with our ``state``, and
GitHub is asked whether it is there.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from ledger.models import Handshake, Model, now
from shipline.errors import InvalidInput
from tasks.context import context
from tasks.github.identity import AppIdentity
from tasks.github.look import account_of, app_itself, lacking

GOOD_FOR = timedelta(hours=1)


class Begun(Model):
    """Where to go, and the state that must come back."""

    url: str
    state: str


class Installed(Model):
    """An installation as GitHub knows it."""

    installation_id: int
    account: str
    repositories: str
    lacks: list[str]


async def begin(*, by: str) -> Begun:
    """Begin an installation. InvalidInput when no App is configured."""
    ctx = await context()
    if not isinstance(ctx.github.identity, AppIdentity):
        raise InvalidInput("No GitHub App is configured.", "Make one: shipline app create --help")
    app = await app_itself(ctx.github)
    made = Handshake(id=secrets.token_urlsafe(32), by=by)
    await ctx.store.insert(made)
    return Begun(url=f"{app.html_url}/installations/new?state={made.id}", state=made.id)


async def finish(state: str, installation_id: int) -> Installed:
    """What came back. InvalidInput when the state is not ours, was used for another, or is older than an hour."""
    ctx = await context()
    known = await ctx.store.find_one(Handshake, {"_id": state})
    if known is None or known.created_at < now() - GOOD_FOR or known.installation not in (None, installation_id):
        raise InvalidInput("This installation was not begun here, or too long ago.", "Begin it again.")
    rest: Any = ctx.github.client.rest
    found = (await ctx.github.ask(lambda: rest.apps.async_get_installation(installation_id))).parsed_data
    taken = await ctx.store.change(
        Handshake, state, {"installation": installation_id}, expect={"installation": {"$in": [None, installation_id]}}
    )
    if taken is None:
        raise InvalidInput("This installation was begun for another.", "Begin it again.")
    return Installed(
        installation_id=installation_id, account=account_of(found), repositories=str(found.repository_selection),
        lacks=lacking(found),
    )  # fmt: skip
