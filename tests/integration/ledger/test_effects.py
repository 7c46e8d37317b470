"""The effects primitive against a real MongoDB: once, whatever is tried."""

from __future__ import annotations

import asyncio

import pytest

from ledger import effects
from ledger.effects import Key, perform
from ledger.models import Effect, EffectKind, EffectStatus, Event, Lease, Model, Run, now
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import verify
from shipline.errors import Interrupted

KIND = EffectKind.ISSUE_CREATE


class Made(Model):
    """What the pretended outside world gives back."""

    number: int


class World:
    """An outside world that counts what is done to it."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.looks = 0
        self.fail: Exception | None = None

    async def act(self) -> Made:
        await asyncio.sleep(0.01)
        if self.fail is not None:
            raise self.fail
        self.made.append(len(self.made) + 1)
        return Made(number=self.made[-1])

    async def look(self) -> Made | None:
        self.looks += 1
        return Made(number=self.made[0]) if self.made else None


@pytest.fixture(autouse=True)
def _lists_hardly_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "LAG", 0.1)


@pytest.fixture
async def run(store: Store) -> Run:
    return await create_run(store, "an idea", "o/r", "main")


async def _do(store: Store, run: Run, world: World, kind: EffectKind = KIND) -> Made:
    return await perform(
        store, Key(run.id, "node", "1", kind), Made, act=world.act, look=world.look,
        say=lambda done: f"made {done.number}", phase="SPEC_WRITING",
    )  # fmt: skip


async def test_a_second_call_returns_the_stored_outcome_and_touches_nothing(store: Store, run: Run) -> None:
    world = World()
    first, second = await _do(store, run, world), await _do(store, run, world)

    assert first == second == Made(number=1)
    assert (world.made, world.looks) == ([1], 0)
    told = await store.find(Event, {"runId": run.id, "msg": "made 1"})
    assert len(told) == 1


async def test_calls_at_the_same_time_act_once(store: Store, run: Run) -> None:
    world = World()
    outcomes = await asyncio.gather(*(_do(store, run, world) for _ in range(8)))
    assert outcomes == [Made(number=1)] * 8
    assert world.made == [1]


async def test_an_intent_without_outcome_is_looked_for_before_acting(store: Store, run: Run) -> None:
    world = World()
    world.made.append(1)  # an attempt that died after it had acted
    key = Key(run.id, "node", "1", KIND)
    dead = Effect(id=str(key), run_id=run.id, node_key="node", kind=key.kind, lease=Lease(owner="dead", until=now()))
    await store.insert(dead)

    assert await _do(store, run, world) == Made(number=1)

    assert (world.made, world.looks) == ([1], 1)
    stored = await store.get(Effect, str(key))
    assert (stored.status, stored.found, stored.attempts, stored.lease.fence) == (EffectStatus.SUCCEEDED, True, 2, 2)


async def test_an_intent_that_left_nothing_is_acted_on(store: Store, run: Run) -> None:
    world = World()
    key = Key(run.id, "node", "1", KIND)
    await store.insert(
        Effect(id=str(key), run_id=run.id, node_key="node", kind=key.kind, lease=Lease(owner="dead", until=now()))
    )
    assert await _do(store, run, world) == Made(number=1)
    assert (world.made, world.looks) == ([1], 2)  # a list that lags is asked once more before anything is done again


async def test_a_failure_is_journalled_and_may_be_tried_again(store: Store, run: Run) -> None:
    world = World()
    world.fail = ConnectionError("the line went dead, token ghp_0123456789abcdefghijABCDEFGHIJ")
    with pytest.raises(ConnectionError):
        await _do(store, run, world)
    failed = await store.get(Effect, str(Key(run.id, "node", "1", KIND)))
    assert failed.status is EffectStatus.FAILED
    assert "went dead" in str(failed.error)
    assert "ghp_" not in str(failed.error)

    world.fail = None
    assert await _do(store, run, world) == Made(number=1)
    assert world.looks == 1
    assert (await verify(store, run.id))[1] == []


async def test_nothing_begins_while_the_run_is_paused(store: Store, run: Run) -> None:
    world = World()
    await store.change(Run, run.id, {"interrupt": {"paused": True, "cancelled": False, "reason": "lunch"}})
    with pytest.raises(Interrupted, match="paused"):
        await _do(store, run, world)
    assert world.made == []
