"""The App was installed, taken away, or given other repositories: what we know of where it is installed is old."""

from __future__ import annotations

from ledger.models import Delivery
from tasks.context import Context
from tasks.github.identity import AppIdentity
from tasks.hooks.payloads import InstallationTold, read


async def changed(ctx: Context, delivery: Delivery) -> str:
    """``installation`` and ``installation_repositories``: looked up anew when it is needed next.

    Other processes find it out by themselves: GitHub takes the old number, and its tokens, no more.
    """
    told = read(InstallationTold, delivery.payload)
    owner = told.installation.account.login or told.installation.account.slug
    if isinstance(ctx.github.identity, AppIdentity):
        ctx.github.identity.forget(owner)
    return f"installation {told.installation.id} on {owner}: {told.action}"
