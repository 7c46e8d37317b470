"""Two workers and one effect, against a real MongoDB: one acts, the other waits, and who slept too long is refused."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ledger import effects, lease
from ledger.effects import Key, perform
from ledger.lease import still_ours
from ledger.models import Effect, EffectKind, EffectStatus, Lease, Model, Run, now
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import Interrupted, LeaseLost, OutcomeUnknown

TERM = timedelta(milliseconds=1500)


class Made(Model):
    """What the pretended outside world gives back."""

    number: int


class World:
    """An outside world in which the same thing can be done twice, and taken back."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.undone: list[int] = []
        self.begun = asyncio.Event()
        self.takes = 0.0
        self.answers_lost = 0
        self.hidden_looks = 0

    async def act(self) -> Made:
        self.begun.set()
        await asyncio.sleep(self.takes)
        self.made.append(len(self.made) + 1)
        made = Made(number=self.made[-1])
        if self.answers_lost:
            self.answers_lost -= 1
            raise OutcomeUnknown("The answer never came.")
        return made

    async def look(self) -> Made | None:
        if self.hidden_looks:
            self.hidden_looks -= 1
            return None
        left = [each for each in self.made if each not in self.undone]
        return Made(number=min(left)) if left else None

    async def undo(self, made: Made) -> None:
        self.undone.append(made.number)

    async def do(self, store: Store, run: Run, *, long: bool = False) -> Made:
        return await perform(
            store, _key(run), Made, act=self.act, look=self.look, undo=self.undo, long=long,
            say=lambda done: f"made {done.number}", phase="SPEC_WRITING",
        )  # fmt: skip


def _key(run: Run) -> Key:
    return Key(run.id, "node", "1", EffectKind.ISSUE_CREATE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(effects, "LAG", 0.2)
    monkeypatch.setattr(effects, "TICK", 0.1)
    monkeypatch.setattr(effects, "GRACE", 0.5)
    monkeypatch.setattr(effects, "pause", lambda _: 0.05)
    yield
    assert not lease._acting  # every call has let go


@pytest.fixture
async def run(store: Store) -> Run:
    store.lease = TERM
    return await create_run(store, "an idea", "o/r", "main")


@pytest.fixture
async def other(other_store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """The ledger as a worker on another machine has it: here, that its in-process lock does not hold ours."""
    other_store.lease = TERM
    monkeypatch.setattr(effects, "_lock", lambda _: asyncio.Lock())
    yield other_store


@contextmanager
def _another_process() -> Iterator[str]:
    """A process of this machine, by the name it gives itself in a lease; killed at the end."""
    code = "from ledger.lease import _owner; print(_owner('t'), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, stdin=-1, text=True) as living:
        assert living.stdout is not None
        yield living.stdout.readline().strip()
        living.kill()


async def _elsewhere(store: Store, run: Run, until: timedelta, owner: str = "another-machine 1 1 x") -> None:
    key = _key(run)
    await store.insert(
        Effect(
            id=str(key), run_id=run.id, node_key="node", kind=key.kind, lease=Lease(owner=owner, until=now() + until)
        )
    )


async def test_two_workers_act_once(store: Store, other: Store, run: Run) -> None:
    world = World()
    world.takes = 0.3
    made = await asyncio.gather(world.do(store, run), world.do(other, run))
    assert {each.number for each in made} == {1}
    assert (world.made, world.undone) == ([1], [])


async def test_a_call_is_known_as_living_before_the_ledger_has_its_lease(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another task of this process may read the lease before the call that took it hears that it did."""
    seen: list[bool] = []
    declared = lease._declared

    async def read_at_once(store: Store, fresh: Effect, token: str) -> lease.Raw | None:
        before = await declared(store, fresh, token)
        seen.append(lease.gone((await store.get(Effect, fresh.id)).lease.owner))
        return before

    monkeypatch.setattr(lease, "_declared", read_at_once)
    await World().do(store, run)
    assert seen == [False]


async def test_a_lease_is_renewed_as_long_as_the_act_takes(store: Store, other: Store, run: Run) -> None:
    world = World()
    world.takes = 3 * TERM.total_seconds()
    made = await asyncio.gather(world.do(store, run), world.do(other, run))
    assert {each.number for each in made} == {1}
    assert (world.made, (await store.get(Effect, str(_key(run)))).lease.fence) == ([1], 1)


async def test_who_is_alive_elsewhere_is_waited_for_until_its_lease_has_run_out(store: Store, run: Run) -> None:
    await _elsewhere(store, run, TERM)
    began = time.monotonic()
    assert await World().do(store, run) == Made(number=1)
    assert time.monotonic() - began > TERM.total_seconds() / 2
    assert (await store.get(Effect, str(_key(run)))).lease.fence == 2


async def test_a_dead_process_of_this_machine_is_followed_at_once(store: Store, run: Run) -> None:
    with _another_process() as dead:
        pass
    await _elsewhere(store, run, timedelta(hours=1), dead)
    assert await asyncio.wait_for(World().do(store, run), 5) == Made(number=1)


def test_a_living_process_of_this_machine_is_not_gone() -> None:
    with _another_process() as owner:
        assert not lease.gone(owner)
    assert lease.gone(owner)


async def test_who_slept_past_its_lease_takes_back_what_it_did_too_late(store: Store, other: Store, run: Run) -> None:
    world = World()
    sleeper = Store(store._client, store._database.name, lease=TERM)
    world.takes = 2 * TERM.total_seconds()

    async def asleep() -> Made:
        return await world.do(sleeper, run)

    async def never_renewed(_: lease.Hold) -> None:
        return

    with pytest.MonkeyPatch.context() as patch:  # as if stopped: it acts, but renews nothing
        patch.setattr(lease.Hold, "renew", never_renewed)
        task = asyncio.create_task(asleep())
        await world.begun.wait()
        await asyncio.sleep(TERM.total_seconds() + 0.1)
        world.takes = 0.0
        kept = await world.do(other, run)
        assert await task == kept
    assert len(world.made) == 2
    assert world.undone == [number for number in world.made if number != kept.number]


async def test_what_is_on_its_way_when_the_lease_is_lost_is_heard_out_and_taken_back(store: Store, run: Run) -> None:
    world = World()
    world.takes = 0.8  # it is noticed after a third of the term, while the request is out
    task = asyncio.create_task(world.do(store, run))
    await world.begun.wait()
    done = {"lease.owner": "another-machine 1 1 x", "status": EffectStatus.SUCCEEDED, "outcome": {"number": 5}}
    await store.change(Effect, str(_key(run)), done, add={"lease.fence": 1})
    assert await task == Made(number=5)
    assert (world.made, world.undone) == ([1], [1])


async def test_the_failure_of_who_was_overtaken_is_not_the_effects(store: Store, run: Run) -> None:
    world, key = World(), _key(run)

    async def merged_already() -> Made:
        await store.change(Effect, str(key), {"lease.owner": "another-machine 1 1 x"}, add={"lease.fence": 1})
        outcome = {"status": EffectStatus.SUCCEEDED, "outcome": {"number": 5}}
        await store.change(Effect, str(key), outcome)
        raise RuntimeError("merged already")

    made = await perform(
        store, key, Made, act=merged_already, look=world.look, say=lambda _: "made", phase="SPEC_WRITING"
    )
    assert made == Made(number=5)


async def test_nothing_is_sent_once_the_lease_may_have_run_out(store: Store, run: Run) -> None:
    sent: list[str] = []

    async def never_renewed(_: lease.Hold) -> None:
        return

    async def act() -> Made:
        if not sent:
            sent.append("begun")
            await asyncio.sleep(TERM.total_seconds() + 0.1)
            still_ours()
        sent.append("sent")
        return Made(number=7)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease.Hold, "renew", never_renewed)
        made = await perform(
            store, _key(run), Made, act=act, look=World().look, say=lambda _: "made", phase="SPEC_WRITING"
        )
    assert made == Made(number=7)
    assert sent == ["begun", "sent"]  # refused the first time, and done under a new lease
    assert (await store.get(Effect, str(_key(run)))).lease.fence == 2
    with pytest.raises(LeaseLost):
        lease.Hold(store, await store.get(Effect, str(_key(run))), "t", -1e9, before=None).still_ours()
    lease._acting.clear()


async def test_a_lost_answer_is_looked_for_and_not_repeated(store: Store, run: Run) -> None:
    world = World()
    world.answers_lost = 1
    assert await world.do(store, run) == Made(number=1)
    assert world.made == [1]
    assert (await store.get(Effect, str(_key(run)))).found


async def test_what_a_lagging_list_hides_is_found_on_the_second_look(store: Store, run: Run) -> None:
    world = World()
    world.answers_lost, world.hidden_looks = 1, 1
    assert await world.do(store, run) == Made(number=1)
    assert (world.made, world.undone) == ([1], [])


async def test_what_was_done_twice_all_the_same_is_taken_back(store: Store, run: Run) -> None:
    world = World()
    world.answers_lost, world.hidden_looks = 1, 2
    assert await world.do(store, run) == Made(number=1)
    assert (world.made, world.undone) == ([1, 2], [2])


async def test_five_lost_answers_are_a_failure_that_may_be_tried_again(store: Store, run: Run) -> None:
    world = World()
    world.answers_lost, world.hidden_looks = 5, 100
    with pytest.raises(OutcomeUnknown):
        await world.do(store, run)
    assert (await store.get(Effect, str(_key(run)))).status is EffectStatus.FAILED
    world.hidden_looks = 0
    assert await world.do(store, run) == Made(number=1)


async def test_a_pause_leaves_a_long_act_and_a_resume_takes_it_up(store: Store, run: Run) -> None:
    world = World()
    world.takes = 30
    working = asyncio.create_task(world.do(store, run, long=True))
    await world.begun.wait()
    await store.change(Run, run.id, {"interrupt": {"paused": True, "cancelled": False, "reason": "lunch"}})
    with pytest.raises(Interrupted, match="lunch"):
        await asyncio.wait_for(working, 2)
    assert world.made == []
    await store.change(Run, run.id, {"interrupt": {"paused": False, "cancelled": False, "reason": None}})
    world.takes = 0
    assert await asyncio.wait_for(world.do(store, run), 2) == Made(number=1)


async def test_a_short_act_is_seen_through(store: Store, run: Run) -> None:
    world = World()
    world.takes = 0.5
    working = asyncio.create_task(world.do(store, run))
    await world.begun.wait()
    await store.change(Run, run.id, {"interrupt": {"paused": True, "cancelled": False, "reason": None}})
    assert await working == Made(number=1)


async def test_a_short_act_ends_though_its_task_is_cancelled(store: Store, run: Run) -> None:
    world = World()
    world.takes = 0.2
    working = asyncio.create_task(world.do(store, run))
    await world.begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert world.made == [1]
    assert (await store.get(Effect, str(_key(run)))).status is EffectStatus.SUCCEEDED


async def test_a_cancelled_call_leaves_the_effect_to_anybody(store: Store, other: Store, run: Run) -> None:
    world = World()
    world.takes = 30
    working = asyncio.create_task(world.do(store, run))
    await world.begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    world.takes = 0
    assert await asyncio.wait_for(world.do(other, run), 2) == Made(number=1)
