"""The inbox of webhook deliveries: each is stored once, worked on by one worker at a time, and settled with a word."""

from __future__ import annotations

from datetime import timedelta

from pymongo import ReturnDocument

from ledger.models import Delivery, now
from ledger.store import Store

CLAIM = timedelta(seconds=60)  # after which another worker may try, unless the claim is renewed
WAITS = (1, 5, 30, 120, 600, 1800)  # seconds before a delivery that failed is tried again; then it is given up


async def keep(store: Store, delivery: Delivery) -> bool:
    """Store a delivery; False when it was stored before."""
    return await store.insert(delivery)


async def claim(store: Store) -> Delivery | None:
    """The next delivery to work on, for this worker alone until ``CLAIM`` has passed; None when none waits."""
    at = now()
    found = await store.collection(Delivery).find_one_and_update(
        {"workedAt": None, "notBefore": {"$lte": at}},
        {"$set": {"notBefore": at + CLAIM}, "$inc": {"tries": 1}},
        sort=[("notBefore", 1)],
        return_document=ReturnDocument.AFTER,
    )
    return None if found is None else Delivery.from_mongo(found)


async def renew(store: Store, delivery: Delivery) -> None:
    """Claim it for as long again: to cancel a run and to prove it may take minutes."""
    await store.collection(Delivery).update_one(
        {"_id": delivery.id, "workedAt": None, "tries": delivery.tries}, {"$set": {"notBefore": now() + CLAIM}}
    )


async def settle(store: Store, delivery: Delivery, result: str) -> None:
    """Say what came of it; nobody works on it any more."""
    await store.collection(Delivery).update_one(
        {"_id": delivery.id, "workedAt": None}, {"$set": {"workedAt": now(), "result": result[:1000]}}
    )


async def put_off(store: Store, delivery: Delivery, why: str) -> None:
    """Try again later; after the last of ``WAITS`` it is settled as given up, with the reason."""
    if delivery.tries > len(WAITS):
        await settle(store, delivery, f"given up after {delivery.tries} tries: {why}")
        return
    later = now() + timedelta(seconds=WAITS[delivery.tries - 1])
    await store.collection(Delivery).update_one(
        {"_id": delivery.id, "workedAt": None}, {"$set": {"notBefore": later, "result": why[:1000]}}
    )
