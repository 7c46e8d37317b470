"""(h) Webhooks acknowledged, beside a bare route; (i) live events to a thousand clients, beside one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx

from benchmarks.measure import Figure, Spread, percentile
from benchmarks.world import World
from deployments.ports import HOST, free_port
from deployments.stack import LocalStack
from ledger.models import EventType, Run
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import append, event

RATE, DELIVERIES, AT_ONCE, FULL = 200, 2_000, 16, 2_000  # a second, in all, connections, for the highest rate
ACK, SLOWER = 0.1, 2.0  # seconds at p99; times the bare route's least seconds (at least half of its rate)
CLIENTS, TOLD, LIVE = 1_000, 20, 0.5  # listeners, events, seconds at p95


class Hook:
    """One receiver, and what it takes for it to believe us."""

    def __init__(self, client: httpx.AsyncClient, url: str, secret: str) -> None:
        self._client, self._url, self._secret = client, url, secret

    async def send(self, number: int) -> float:
        """One signed delivery of a commit status; the seconds until it was acknowledged."""
        body = json.dumps({
            "sha": f"{number % 50:040}", "context": f"ci-{number % 7}", "state": "success", "target_url": None,
            "updated_at": f"2026-11-23T10:00:{number % 60:02}Z", "repository": {"full_name": "org/repo"},
            "sender": {"login": "ci"}, "commit": {"message": "x" * 6_000},
        }).encode()  # fmt: skip
        headers = {
            "X-GitHub-Event": "status", "X-GitHub-Delivery": str(uuid.uuid4()), "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()}",
        }  # fmt: skip
        began = time.perf_counter()
        answer = await self._client.post(self._url, content=body, headers=headers)
        answer.raise_for_status()
        return time.perf_counter() - began


async def measure(world: World) -> list[Figure]:
    """Both, on one gateway."""
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="shipline-benchmarks-")))
        parts = ("mongodb", "sandbox", "gateway")
        stack = await held.enter_async_context(LocalStack(folder, fixed_ports=False, parts=parts))
        # A connection that idled for five seconds is closed by the server, perhaps just as it is used again.
        limits = httpx.Limits(max_connections=200, keepalive_expiry=2)
        client = await held.enter_async_context(httpx.AsyncClient(timeout=60, limits=limits))
        secret = (folder / "gateway" / "webhook-secret").read_text()
        ours = Hook(client, f"{stack.addresses.gateway_url}/webhooks/github", secret)
        port = free_port()
        argv = [sys.executable, "-m", "uvicorn", "benchmarks.bare_hook:app", "--host", HOST, "--port", str(port),
                "--no-access-log", "--app-dir", str(Path(__file__).parents[1])]  # fmt: skip
        await stack.start_child("bare", argv, {"BARE_SECRET": secret})
        bare = Hook(client, f"http://{HOST}:{port}/hook", secret)
        await _until_up(bare)
        hooks = await acknowledged(world, ours, bare)
        store = await Store.open(stack.addresses.mongodb_uri, "shipline")
        held.push_async_callback(store.close)
        token = (folder / "gateway" / "token").read_text()
        return [*hooks, await told(world, stack.addresses.gateway_url, token, store)]


async def acknowledged(world: World, ours: Hook, bare: Hook) -> list[Figure]:
    """At a steady rate, and as fast as it goes."""
    count = world.count(DELIVERIES, 100)
    theirs = await _steady(world, "the bare route", bare, count)
    mine = await _steady(world, "the gateway", ours, count)
    fast_theirs = [await _flat_out(bare, world.count(FULL, 100)) for _ in world.track("(h) bare", 3, quick=1)]
    fast_mine = [await _flat_out(ours, world.count(FULL, 100)) for _ in world.track("(h) gateway", 3, quick=1)]
    own, base = Spread.of(mine), Spread.of(theirs)
    rate, plain = Spread.of(fast_mine), Spread.of(fast_theirs)
    p99, plain_p99 = percentile(mine, 99), percentile(theirs, 99)
    return [
        Figure(
            "h.ack", f"acknowledging a delivery at {RATE} a second, p99", "s", own, "HMAC and one insert", base,
            own.median / base.median, ACK, p99, absolute=True, notes=[f"p99 of the bare route: {plain_p99:.3f} s"],
        ),
        Figure(
            "h.rate", f"a delivery as fast as they go, {AT_ONCE} at once, worked off beside it", "s", rate,
            "HMAC and one insert", plain, rate.median / plain.median, SLOWER, rate.median / plain.median,
            notes=[f"{1 / rate.median:.0f} a second, the bare route {1 / plain.median:.0f}"],
        ),
    ]  # fmt: skip


async def told(world: World, url: str, token: str, store: Store) -> Figure:
    """From the write of an event to each of a thousand clients; beside one client."""
    run = await create_run(store, "An idea.", "org/live", "main")
    theirs = await _heard(world, url, token, store, run, 1)
    mine = await _heard(world, url, token, store, run, world.count(CLIENTS, 50))
    own, base = Spread.of(mine), Spread.of(theirs)
    return Figure(
        "i", f"an event to {world.count(CLIENTS, 50)} live clients, p95", "s", own, "one client", base,
        own.median / base.median, LIVE, percentile(mine, 95), absolute=True,
        notes=["the clients read raw sockets in one process, beside the gateway on two cores"],
    )  # fmt: skip


async def _steady(world: World, name: str, hook: Hook, count: int) -> list[float]:
    began, sent = time.perf_counter(), []
    for number in world.track(f"(h) {name} at {RATE} a second", count, quick=count):
        await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        sent.append(asyncio.create_task(hook.send(number)))
    return list(await asyncio.gather(*sent))


async def _flat_out(hook: Hook, count: int) -> float:
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            await hook.send(number)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    return (time.perf_counter() - began) / count


async def _heard(world: World, url: str, token: str, store: Store, run: Run, count: int) -> list[float]:
    """The seconds from each event to each client."""
    at = urlsplit(url)
    seen = (await store.get(Run, run.id)).chain.seq
    request = (
        f"GET /api/runs/{run.id}/stream?after={seen} HTTP/1.1\r\nHost: {at.hostname}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    written: dict[str, float] = {}
    taken: list[float] = []

    async def listen() -> None:
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        connected.release()
        try:
            while True:
                line = await reader.readline()
                if line.startswith(b"data: "):
                    now = time.perf_counter()
                    taken.append(now - written[json.loads(line[6:])["msg"]])
        finally:
            writer.close()

    connected = asyncio.Semaphore(0)
    clients = []
    for _ in range(count):
        clients.append(asyncio.create_task(listen()))
        await asyncio.sleep(0.002)
    for _ in range(count):
        await connected.acquire()
    for number in world.track(f"(i) {count} clients", TOLD, quick=3):
        msg = f"event {count} {number}"
        written[msg] = time.perf_counter()
        await append(store, run.id, event(EventType.STEP_COMPLETED, "QA", msg))
        await asyncio.sleep(1.0)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    expected = count * len(written)
    if len(taken) != expected:
        raise AssertionError(f"{len(taken)} of {expected} events were heard")
    return taken


async def _until_up(hook: Hook) -> None:
    for _ in range(200):
        try:
            await hook.send(0)
        except httpx.HTTPError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the bare route does not answer")
