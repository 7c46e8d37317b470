"""Live events: every one once and in order, however often the client is cut off; heartbeats; the dead are let go."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.types import Message

from gateway.stream import PING, EventStream, Live
from ledger.models import EventType, Run
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import append, event
from tests.integration.gateway.conftest import Gateway

CUTS, EVENTS = 50, 300


async def _write(store: Store, run: Run, count: int, chance: random.Random) -> None:
    for number in range(count):
        await append(store, run.id, event(EventType.STEP_COMPLETED, "QA", f"event {number}"))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() * 0.02)


async def _messages(
    client: httpx.AsyncClient, run: str, last: int
) -> AsyncGenerator[tuple[int, str, dict[str, object]], None]:
    headers = {"Last-Event-ID": str(last)} if last else {}
    async with client.stream("GET", f"/api/runs/{run}/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        number, kind = 0, ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = int(value)
            elif name == "event":
                kind = value
            elif name == "data":
                yield number, kind, json.loads(value)


async def test_a_client_that_is_cut_off_again_and_again_misses_and_repeats_nothing(gateway: Gateway) -> None:
    run = await create_run(gateway.store, "An idea.", "o/stream", "main")
    chance = random.Random(20261123)
    writing = asyncio.create_task(_write(gateway.store, run, EVENTS, chance))
    seen: list[int] = []
    async with gateway.client("viewer") as client:
        for cut in range(CUTS + 1):
            until = len(seen) + chance.randint(0, 10) if cut < CUTS else EVENTS + 1
            messages = _messages(client, run.id, seen[-1] if seen else 0)
            async with asyncio.timeout(60):
                while len(seen) < min(until, EVENTS + 1):
                    number, kind, told = await anext(messages)
                    assert told["seq"] == number
                    assert kind == told["type"]
                    seen.append(number)
            await messages.aclose()
    await writing
    assert seen == list(range(1, EVENTS + 2))  # the first tells of the idea


async def test_silence_has_a_heartbeat_and_who_has_gone_is_let_go(store: Store) -> None:
    run = await create_run(store, "An idea.", "o/stream", "main")
    async with Live(store) as live:
        messages = live.follow(run.id, 1, heartbeat=0.05)
        assert [await anext(messages), await anext(messages)] == [PING, PING]
        assert live.count == 1
        await messages.aclose()
        assert live.count == 0


async def test_the_gateway_counts_who_listens_and_forgets_who_left(gateway: Gateway) -> None:
    run = await create_run(gateway.store, "An idea.", "o/stream", "main")
    async with gateway.client("viewer") as client:
        messages = _messages(client, run.id, 0)
        await anext(messages)
        assert (await client.get("/healthz")).json()["listening"] >= 1
        await messages.aclose()
        for _ in range(100):
            if (await client.get("/healthz")).json()["listening"] == 0:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("somebody still listens")


async def test_who_does_not_read_is_let_go(store: Store) -> None:
    run = await create_run(store, "An idea.", "o/stream", "main")
    async with Live(store) as live:
        messages = live.follow(run.id, 0)
        await anext(messages)
        (client,) = live._clients[run.id]
        for number in range(client.wake.maxsize + 1):
            client.tell((number, b""))
        assert client.lost
        await messages.aclose()


@pytest.mark.parametrize("version", ["2.3", "2.4"])
async def test_a_peer_that_is_silent_and_takes_nothing_is_let_go(store: Store, version: str) -> None:
    run = await create_run(store, "An idea.", "o/stream", "main")
    sent: list[str] = []

    async def receive() -> Message:
        await asyncio.Event().wait()  # it never says that it goes
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if len(sent) > 2:
            await asyncio.Event().wait()  # what is sent stays where it is

    async with Live(store) as live:
        answer = EventStream(live.follow(run.id, 0, heartbeat=0.02), stalled=0.2)
        async with asyncio.timeout(10):
            await answer({"type": "http", "asgi": {"spec_version": version}}, receive, send)
        assert live.count == 0
    assert sent == ["http.response.start", *["http.response.body"] * 2]


async def test_a_run_that_is_not_there_has_no_stream(gateway: Gateway) -> None:
    async with gateway.client("viewer") as client:
        assert (await client.get("/api/runs/r-20261123-zzzzzz/stream")).status_code == 404
