"""The errands that others ask of our coding agent: each is kept once, and worked on by one process at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pymongo import ReturnDocument

from ledger.models import AgentResult, Errand, ErrandStatus, Usage, now
from ledger.store import Store
from shipline.errors import InvalidInput
from shipline.redact import redact, redact_text

CLAIM = timedelta(seconds=30)  # after which a process that is not heard of counts as gone
STARTS = 5  # times that an errand is begun before it is given up
MOST_LINES = 200
_OPEN = (ErrandStatus.WAITING, ErrandStatus.WORKING)


async def ask(store: Store, errand: Errand) -> Errand:
    """Keep a request. Asked for before it is the same one; one that failed or was cancelled is begun anew.

    Its context may be another by then, such as what failed meanwhile: what is under way goes on with the one that it
    began with. Raises InvalidInput when its id stands for another repository, branch or task.
    """
    if await store.insert(errand):
        return errand
    known = await store.get(Errand, errand.id)
    if (known.repo, known.branch, known.task) != (errand.repo, errand.branch, redact_text(errand.task)):
        raise InvalidInput("This key stands for another request already.", "Give this one a key of its own.")
    if known.status in (ErrandStatus.FAILED, ErrandStatus.CANCELLED):
        anew = {
            "status": ErrandStatus.WAITING, "until": now(), "starts": 0, "error": None, "log": [], "base": None,
            "ref": None, "attempt": known.attempt + 1, "context": errand.context,
        }  # fmt: skip
        return await store.change(Errand, known.id, anew, expect={"status": known.status}) or known
    return known


async def claim(store: Store) -> Errand | None:
    """The next errand to work on, for this process alone as long as it ``beat``s; None when none waits."""
    at = now()
    found = await store.collection(Errand).find_one_and_update(
        {"status": {"$in": list(_OPEN)}, "until": {"$lte": at}},
        {"$set": {"status": ErrandStatus.WORKING, "until": at + CLAIM, "updated_at": at}, "$inc": {"starts": 1}},
        sort=[("until", 1)],
        return_document=ReturnDocument.AFTER,
    )
    if found is None:
        return None
    errand = Errand.from_mongo(found)
    if errand.starts > STARTS:
        await end(store, errand, ErrandStatus.FAILED, error=f"Whoever worked on it died {STARTS} times.")
        return None
    return errand


async def beat(store: Store, errand: Errand, said: Sequence[str] = ()) -> bool:
    """Say that it is still worked on, and what was said since; False when nobody wants it any more."""
    update: dict[str, object] = {"$set": {"until": now() + CLAIM}}
    if said:
        lines = [redact_text(line)[:2000] for line in said]
        update["$push"] = {"log": {"$each": lines, "$slice": MOST_LINES}}
    changed = await store.collection(Errand).update_one(_mine(errand), update)
    return changed.matched_count == 1


async def let_go(store: Store, errand: Errand) -> None:
    """Leave it to the next process, at once."""
    await store.collection(Errand).update_one(_mine(errand), {"$set": {"until": now()}, "$inc": {"starts": -1}})


async def note(store: Store, errand: Errand, **values: str | None) -> None:
    """Remember ``base``, ``head`` or ``ref``."""
    await store.collection(Errand).update_one(_mine(errand), {"$set": values})


async def end(
    store: Store, errand: Errand, status: ErrandStatus, *, result: AgentResult | None = None, error: str | None = None
) -> None:
    """Say what came of it. Of one that was cancelled meanwhile nothing is said."""
    told = {"result": result.model_dump(by_alias=True) if result else None, "error": error}
    await store.collection(Errand).update_one(
        _mine(errand), {"$set": {**redact(told), "status": status, "updated_at": now()}}
    )


async def count(store: Store, errand: Errand, usage: Usage) -> None:
    """Add what the agent of this attempt used, whatever became of it."""
    more = {f"used.{name}": value for name, value in usage.model_dump(by_alias=True).items()}
    mine = {"_id": errand.id, "attempt": errand.attempt, "starts": errand.starts}
    await store.collection(Errand).update_one(
        {**mine, "used": None}, {"$set": {"used": Usage().model_dump(by_alias=True)}}
    )
    await store.collection(Errand).update_one(mine, {"$inc": more})


async def cancel(store: Store, errand_id: str) -> Errand:
    """Nobody wants it any more; whoever works on it stops. One that has ended stays as it is."""
    await store.collection(Errand).update_one(
        {"_id": errand_id, "status": {"$in": list(_OPEN)}},
        {"$set": {"status": ErrandStatus.CANCELLED, "updated_at": now()}},
    )
    return await store.get(Errand, errand_id)


def _mine(errand: Errand) -> dict[str, object]:
    return {"_id": errand.id, "status": ErrandStatus.WORKING, "starts": errand.starts}
