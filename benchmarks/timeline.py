"""(f) A page of the timeline out of a million events, against a raw find on the same index."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pymongo import InsertOne, MongoClient

from benchmarks.measure import Figure, alternate, compared
from benchmarks.trees import AT
from benchmarks.world import World
from ledger import queries
from ledger.models import Event, EventType, Level

EVENTS, FEW, BATCH = 1_000_000, 20_000, 10_000
SAMPLES, QUICK, WARM_UP = 500, 20, 10
PAGE = 100
BOUND = 2.0
RUN, DATABASE = "r-benchmark", "benchmark-timeline"


async def measure(world: World) -> list[Figure]:
    """Pages anywhere in one long run."""
    uri = await world.mongodb()
    store = await world.store(uri, DATABASE)
    total = EVENTS if not world.quick else FEW
    fill(uri, world, total)
    raw = store.collection(Event)
    dice = random.Random(total)  # noqa: S311 (it chooses pages)
    places = [dice.randrange(total - PAGE) for _ in range(SAMPLES + WARM_UP)]

    async def page(number: int) -> None:
        _whole(await queries.events(store, RUN, after=places[number], limit=PAGE))

    async def find(number: int) -> None:
        query = {"runId": RUN, "seq": {"$gt": places[number]}}
        _whole(await raw.find(query, sort=[("seq", 1)], limit=PAGE).to_list())

    mine, theirs = await alternate(
        world.count(SAMPLES, QUICK), page, find, warm_up=WARM_UP, progress=world.progress, label="(f) timeline"
    )
    return [
        compared(
            "f", f"a timeline page of {PAGE} out of {total:,}", "ms", [1000 * each for each in mine],
            "a raw find on the same index", [1000 * each for each in theirs], BOUND,
            stubbed="the events are written by insert_many with made-up hashes, not sealed one by one",
        )
    ]  # fmt: skip


def fill(uri: str, world: World, total: int, database: str = DATABASE, run: str = RUN, first: int = 1) -> None:
    """Write the events fast: unordered, unjournalled, in batches. ``Store.open`` has made the indexes."""
    bar = world.progress.add_task(f"writing {total:,} events", total=total)
    with MongoClient[dict[str, Any]](uri, w=1, journal=False) as client:
        events = client[database][Event.COLLECTION]
        for start in range(first, total + 1, BATCH):
            events.bulk_write(list(_made(run, start, min(start + BATCH, total + 1))), ordered=False)
            world.progress.advance(bar, BATCH)


def _made(run: str, first: int, end: int) -> Iterator[InsertOne[dict[str, Any]]]:
    for seq in range(first, end):
        event = Event.model_construct(
            id=f"event-{seq}", run_id=run, seq=seq, type=EventType.STEP_COMPLETED, phase="EXECUTION_LOOP",
            level=Level.INFO, msg=f"Pushed {seq:07x} to task/{seq}-a-branch-of-some-length",
            node_id=f"t{seq % 997:03}", data={"effect": f"{RUN}/t{seq % 997:03}/1/push", "found": False},
            ts=AT + timedelta(seconds=seq), prev_hash=f"{seq - 1:064x}", hash=f"{seq:064x}",
        )  # fmt: skip
        yield InsertOne(event.to_mongo())


def _whole(page: list[Any]) -> None:
    if len(page) != PAGE:
        raise AssertionError(f"a page of {PAGE} events had {len(page)}")
