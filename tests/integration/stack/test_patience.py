"""What the ledger's verbs do while a real mongod is killed and started again under them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ledger import patience, queries
from ledger.lease import declare, take_over
from ledger.models import Effect, EffectStatus, Event, EventType, Idea, Lease, Outcome, Run, now
from ledger.patience import BRIEF
from ledger.runs import create_run, end_run
from ledger.store import Store
from ledger.timeline import append, event, verify
from shipline.errors import Unavailable
from shipline.ids import uuid7
from tests.integration.stack.rising import Rising, rising

KILLS = 2
SEED = 20261123


@pytest.fixture
async def mongod(tmp_path: Path) -> AsyncIterator[Rising]:
    """A mongod to kill."""
    async with rising(tmp_path) as made:
        yield made


@pytest.fixture
async def ledger(mongod: Rising) -> AsyncIterator[Store]:
    """The ledger on it."""
    opened = await Store.open(mongod.uri)
    yield opened
    await opened.close()


async def _while_it_is_killed(mongod: Rising, work: Callable[[], Awaitable[None]]) -> int:
    """Do the work over and over, several at a time, while mongod is killed; how often it was done."""
    chance, done, over = random.Random(SEED), 0, False

    async def again() -> None:
        nonlocal done
        while not over:
            await work()
            done += 1

    workers = [asyncio.create_task(again()) for _ in range(4)]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        await mongod.kill_for(chance.uniform(0, 0.5))
    await asyncio.sleep(0.3)
    over = True
    await asyncio.gather(*workers)
    return done


async def test_inserts_are_kept_and_done_once(mongod: Rising, ledger: Store) -> None:
    kept: list[str] = []

    async def insert() -> None:
        idea = Idea(id=uuid7(), text="x" * 1000, repo="a/b")
        assert await ledger.insert(idea)  # False would say that an earlier attempt of the same call had done it
        kept.append(idea.id)

    done = await _while_it_is_killed(mongod, insert)
    assert len(kept) == done > 4
    assert {each.id for each in await ledger.find(Idea, {})} == set(kept)


async def test_changes_are_kept_and_done_once(mongod: Rising, ledger: Store) -> None:
    run = await create_run(ledger, "An idea", "a/b", "main")

    async def count() -> None:
        assert await ledger.change(Run, run.id, {}, add={"chainless": 1}) is not None

    done = await _while_it_is_killed(mongod, count)
    stored = await ledger.collection(Run).find_one({"_id": run.id})
    assert stored is not None
    assert stored["chainless"] == done > 4


async def test_a_lease_is_declared_and_taken_once(mongod: Rising, ledger: Store) -> None:
    def fresh() -> Effect:
        return Effect(id=uuid7(), run_id="r", node_key="n", kind="push", lease=Lease(owner="", until=now()))

    fences: dict[str, int] = {}

    async def take() -> None:
        effect = fresh()
        hold = await declare(ledger, effect)
        assert not isinstance(hold, Effect)  # nobody else knows of it: its own repeated write must not look so
        hold.let_go()
        seen = await ledger.get(Effect, effect.id)
        taken = await take_over(ledger, seen)
        assert taken is not None
        await taken.renew()
        taken.let_go()
        fences[effect.id] = taken.effect.lease.fence

    done = await _while_it_is_killed(mongod, take)
    assert len(fences) == done > 1
    stored = {each.id: each for each in await ledger.find(Effect, {})}
    assert {key: stored[key].lease.fence for key in fences} == fences == dict.fromkeys(fences, 2)
    assert {each.attempts for each in stored.values()} == {2}
    assert {each.status for each in stored.values()} == {EffectStatus.INTENDED}


async def test_a_long_read_is_whole(mongod: Rising, ledger: Store) -> None:
    texts = [Idea(id=uuid7(), text="x" * 20_000, repo="a/b") for _ in range(1000)]  # two batches of 16 MB
    await ledger.collection(Idea).insert_many([each.to_mongo() for each in texts])

    async def read() -> None:
        assert len(await ledger.find(Idea, {}, [("_id", 1)])) == len(texts)

    assert await _while_it_is_killed(mongod, read) >= 4


async def test_who_follows_a_run_sees_each_event_once(mongod: Rising, ledger: Store) -> None:
    run = await create_run(ledger, "An idea", "a/b", "main")
    reader, seen = await Store.open(mongod.uri), list[Event]()

    async def follow() -> None:
        async for each in queries.follow(reader, run.id):
            seen.append(each)

    following = asyncio.create_task(follow())

    async def tell() -> None:
        await append(ledger, run.id, event(EventType.STEP_COMPLETED, "p", "said"))

    done = await _while_it_is_killed(mongod, tell)
    await end_run(ledger, run.id, Outcome.FAILED, error="enough")
    async with asyncio.timeout(20):
        await following
    assert [each.seq for each in seen] == list(range(1, done + 3))
    assert await verify(ledger, run.id) == (done + 2, [])
    await reader.close()


async def test_opening_waits_for_one_that_is_just_coming_up(mongod: Rising) -> None:
    await mongod.kill()
    opening = asyncio.create_task(Store.open(mongod.uri, timeout=30))
    await asyncio.sleep(0.5)
    await mongod.start()
    await (await opening).close()


async def test_one_that_stays_away_is_said_in_a_sentence_and_at_last_soon(mongod: Rising) -> None:
    ledger = await Store.open(mongod.uri, patience=2)
    run = await create_run(ledger, "An idea", "a/b", "main")
    await mongod.kill()
    verbs: list[Callable[[], Awaitable[object]]] = [
        lambda: ledger.insert(Idea(id="x", text="x", repo="a/b")),
        lambda: ledger.get(Run, run.id),
        lambda: ledger.find(Run, {}),
        lambda: ledger.change(Run, run.id, {"error": None}),
        lambda: append(ledger, run.id, event(EventType.STEP_COMPLETED, "p", "said")),
        lambda: queries.snapshot(ledger, run.id),
        lambda: anext(queries.follow(ledger, run.id)),
    ]
    for verb in verbs:
        with pytest.raises(Unavailable, match=r"^MongoDB has not answered for \d+ s\.") as failed:
            await verb()
        assert failed.value.exit_code == 3
    await mongod.start()
    assert (await ledger.get(Run, run.id)).id == run.id  # and it is patient again
    await ledger.close()


async def test_after_a_wait_in_vain_the_next_are_short(mongod: Rising, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = await Store.open(mongod.uri, patience=5)
    await mongod.kill()
    began = time.monotonic()
    for waited in (5, 5 + BRIEF):  # the sentence tells how long it is away, not how long this verb waited
        with pytest.raises(Unavailable, match=f"for {waited:.0f} s"):
            await ledger.find_one(Run, {})
    assert time.monotonic() - began < 5 + 2 * BRIEF
    monkeypatch.setattr(patience, "LOW", 10**15)
    with pytest.raises(Unavailable, match=r"The disk of .* is full\. .*Make space"):
        await ledger.find_one(Run, {})
    await mongod.start()  # a client that is closed while it connects loses a socket
    await ledger.close()
