"""What is answered on GitHub, once, however many deliveries ask: one worker is at it, the others find the answer."""

from __future__ import annotations

from datetime import timedelta

from ledger.models import Answer, now
from ledger.store import Store
from shipline.errors import Unavailable
from shipline.redact import redact_text

CLAIM = timedelta(minutes=2)  # after which whoever began it counts as gone: to cancel a run takes a minute or so


async def begin(store: Store, key: str) -> str | None:
    """The answer that was given; None: it is ours to give. Unavailable while another worker is at it."""
    if await store.insert(Answer(id=key)):
        return None
    known = await store.get(Answer, key)
    if known.text is not None:
        return known.text
    at = now()
    if known.updated_at <= at - CLAIM:
        wanted = {"_id": key, "text": None, "updated_at": known.updated_at}
        taken = await store.collection(Answer).update_one(wanted, {"$set": {"updated_at": at}})
        if taken.matched_count:
            return None
    raise Unavailable(f"{key} is being answered.", "Look again in a moment.")


async def give_back(store: Store, key: str) -> None:
    """It could not be answered now: whoever tries next need not wait."""
    await store.collection(Answer).delete_one({"_id": key, "text": None})


async def keep(store: Store, key: str, text: str) -> None:
    """It is answered."""
    values = {"$set": {"text": redact_text(text), "updated_at": now()}}
    await store.collection(Answer).update_one({"_id": key}, values)
