"""Deliveries that never arrived: GitHub sends each once, keeps it for three days, and sends it again when it is asked.

Only an App may ask. With a plain token there is nothing to be done here, and reconcile finds what changed by looking.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from ledger.models import Delivery, Mark, now
from shipline.errors import ConfigError, NotFound
from tasks.context import Context
from tasks.github.errors import GitHubError

log = logging.getLogger(__name__)

SINCE = timedelta(days=3)  # as long as GitHub keeps them, so that a weekend without a gateway is bridged
OVERLAP = timedelta(minutes=10)  # looked at again where nothing was missing: a delivery may be late
SETTLED = timedelta(seconds=30)  # one that is younger may be on its way
MOST = 30_000  # deliveries that are looked at, in pages of a hundred
MARK = "deliveries"


async def ask_again(ctx: Context) -> list[str]:
    """Ask for each delivery that the ledger does not know; returns their ids. Empty where we may not ask.

    While one is missing all three days are looked through each time; once none is, only what came since.
    """
    began = now()
    whole = await ctx.store.find_one(Mark, {"_id": MARK})
    try:
        listed = await _listed(ctx, max(began - SINCE, whole.at - OVERLAP) if whole else began - SINCE)
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
    if not missed:
        values = {"$set": {"at": began, "updated_at": began}, "$setOnInsert": {"created_at": began}}
        await ctx.store.collection(Mark).update_one({"_id": MARK}, values, upsert=True)
    return missed


async def _listed(ctx: Context, oldest: datetime) -> dict[str, int]:
    """The deliveries since then: the id that stays, and the one that its newest attempt has."""
    rest: Any = ctx.github.client.rest
    newest = now() - SETTLED
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
