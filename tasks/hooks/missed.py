"""Deliveries that never arrived: GitHub sends each once, keeps it for three days, and sends it again when it is asked.

Only an App may ask. With a plain token there is nothing to be done here, and reconcile finds what changed by looking.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from ledger.models import Delivery, now
from shipline.errors import ConfigError, NotFound
from tasks.context import Context
from tasks.github.errors import GitHubError

log = logging.getLogger(__name__)

SINCE = timedelta(hours=6)  # reconcile comes every few minutes; this bridges a night's half without a worker
SETTLED = timedelta(seconds=30)  # one that is younger may be on its way
MOST = 1000  # deliveries that are looked at, in pages of a hundred


async def ask_again(ctx: Context) -> list[str]:
    """Ask for each delivery that the ledger does not know; returns their ids. Empty where we may not ask."""
    try:
        listed = await _listed(ctx)
    except (NotFound, ConfigError):
        return []
    except GitHubError as error:
        if error.status in (401, 403):
            return []
        raise
    known = await ctx.store.collection(Delivery).read_all(filter={"_id": {"$in": list(listed)}}, projection={"_id": 1})
    missed = sorted(set(listed) - {each["_id"] for each in known})
    for guid in missed:
        rest: Any = ctx.github.client.rest
        await ctx.github.ask(lambda: rest.apps.async_redeliver_webhook_delivery(delivery_id=listed[guid]))  # noqa: B023
        log.info("delivery %s never arrived; it was asked for again", guid)
    return missed


async def _listed(ctx: Context) -> dict[str, int]:
    """The deliveries of the last hours: the id that stays, and the one that its newest attempt has."""
    rest: Any = ctx.github.client.rest
    newest, oldest = now() - SETTLED, now() - SINCE
    found: dict[str, int] = {}
    cursor: dict[str, str] = {}
    for _ in range(MOST // 100):
        answer = await ctx.github.ask(lambda: rest.apps.async_list_webhook_deliveries(per_page=100, **cursor))  # noqa: B023
        for each in answer.parsed_data:
            if oldest <= each.delivered_at <= newest:
                found.setdefault(str(each.guid), int(each.id))
        following = answer.raw_response.links.get("next", {}).get("url", "")
        if not answer.parsed_data or answer.parsed_data[-1].delivered_at < oldest or "cursor=" not in following:
            break
        cursor = {"cursor": following.rpartition("cursor=")[2].partition("&")[0]}
    return found
