"""(a) A durable effect against a bare Prefect task run: what the promise costs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from benchmarks.measure import Figure, alternate, compared
from benchmarks.world import World
from ledger.effects import Key, perform
from ledger.models import EffectKind, Model, Run
from ledger.runs import create_run
from ledger.store import Store

SAMPLES, QUICK, WARM_UP = 500, 20, 10
TAKEN_APART = 50
BOUND = 2.0
DATABASE = "benchmark-effect"


class Nothing(Model):
    """What an effect that does nothing came to."""

    number: int


async def measure(world: World) -> list[Figure]:
    """Effects and tasks in turns, inside one flow run."""
    stack = await world.stack()
    store = await world.store(stack.addresses.mongodb_uri, DATABASE)
    run = await create_run(store, "An idea to measure", "demo/tally", "main")
    mine, theirs = await take_turns(world, store, run)
    return [
        compared(
            "a", "a durable effect", "ms", [1000 * each for each in mine], "a bare Prefect task run",
            [1000 * each for each in theirs], BOUND,
            stubbed="what the effect and the task do: both return at once",
            notes=[
                "the writes of an effect wait for w=majority, j=true; the task caches and persists nothing",
                await anatomy(stack.addresses.mongodb_uri, run),
            ],
        )
    ]  # fmt: skip


@task(name="bare", cache_policy=NO_CACHE, persist_result=False)
async def bare(number: int) -> int:
    """What Prefect itself costs."""
    return number


@flow(name="benchmark-effect", persist_result=False, validate_parameters=False)
async def take_turns(world: World, store: Store, run: Run) -> tuple[list[float], list[float]]:
    """Effects and bare tasks, as many of one as of the other."""

    async def effect(number: int) -> Nothing:
        return await do_nothing(store, run, number)

    samples = world.count(SAMPLES, QUICK)
    return await alternate(samples, effect, bare, warm_up=WARM_UP, progress=world.progress, label="(a) effect")


class Commands(CommandListener):
    """What MongoDB was asked, and how long its answers took."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.milliseconds = 0.0

    def started(self, event: CommandStartedEvent) -> None:
        """Only an answer counts."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count a command and its time, from sending it to its answer."""
        self.asked[event.command_name] += 1
        self.milliseconds += event.duration_micros / 1000

    def failed(self, event: CommandFailedEvent) -> None:
        """None should."""
        raise AssertionError(f"MongoDB refused {event.command_name}: {event.failure}")


async def anatomy(uri: str, run: Run) -> str:
    """What an effect is made of, found on a few more of them, apart from the samples."""
    commands = Commands()
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True, event_listeners=[commands]) as client:
        store = Store(client, DATABASE)
        await do_nothing(store, run, -1)  # opens the connection
        commands.asked.clear()
        commands.milliseconds = 0.0
        for number in range(SAMPLES, SAMPLES + TAKEN_APART):
            await do_nothing(store, run, number + WARM_UP)
    each = ", ".join(f"{name} {count / TAKEN_APART:g}" for name, count in sorted(commands.asked.items()))
    asked, waited = commands.asked.total() / TAKEN_APART, commands.milliseconds / TAKEN_APART
    return f"an effect asks MongoDB {asked:g} times ({each}) and waits {waited:.1f} ms for it"


async def do_nothing(store: Store, run: Run, number: int) -> Nothing:
    """One effect whose act is instant."""

    async def act() -> Nothing:
        return Nothing(number=number)

    async def look() -> None:
        return None

    return await perform(
        store, Key(run.id, f"n{number}", "1", EffectKind.ISSUE_CLOSE), Nothing, act=act, look=look,
        say=lambda done: f"Effect {done.number}", phase=run.state,
    )  # fmt: skip
