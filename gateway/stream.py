"""Live events: one change stream of the database for all clients; each gets every event of its run once, in order.

An event's ``id`` is its number in the run, which has no gaps: whoever sees one reads what is missing from the ledger.
So a client may come back with ``Last-Event-ID``, and the database may go away in between.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import suppress

from fastapi.responses import StreamingResponse
from pymongo.errors import PyMongoError
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from ledger.models import Event
from ledger.queries import events
from ledger.store import Store
from shipline.errors import Unavailable

HEARTBEAT = 30.0  # seconds of silence (the notes, §6.3)
STALLED = 60.0  # seconds in which a client takes nothing of what is sent
BEHIND = 1000  # events that a client may be behind before it is let go; it comes back and reads on
AGAIN = 0.5  # seconds before a change stream that broke is opened again
PING = b": ping\n\n"
log = logging.getLogger("shipline.live")


class EventStream(StreamingResponse):
    """Live events as an answer. A peer that takes nothing for ``STALLED`` seconds, and says nothing either, is let go.

    One that is gone for good is: the system gives its connection up by itself only when what is under way is
    unanswered for a quarter of an hour, and one that merely does not read never.
    """

    def __init__(self, told: AsyncGenerator[bytes, None], *, stalled: float = STALLED) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(told, media_type="text/event-stream", headers=headers)
        self._told, self._stalled = told, stalled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, message by message."""

        async def within(message: Message) -> None:
            try:
                async with asyncio.timeout(self._stalled):
                    await send(message)
            except TimeoutError:
                raise OSError("the client takes nothing") from None  # as of a connection that broke

        try:
            await super().__call__(scope, receive, within)
        except (ClientDisconnect, OSError):
            log.info("a client of live events takes nothing any more, and was let go")
        finally:
            await self._told.aclose()


class Client:
    """One who listens to one run. ``wake`` holds events, or None: something may have been missed."""

    def __init__(self) -> None:
        self.wake: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue(BEHIND)
        self.lost = False

    def tell(self, what: tuple[int, bytes] | None) -> None:
        """Put something into the queue; a client that does not read is let go."""
        try:
            self.wake.put_nowait(what)
        except asyncio.QueueFull:
            self.lost = True


class Live:
    """All clients. ``async with`` it: inside, the one change stream is open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._clients: dict[str, set[Client]] = defaultdict(set)
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Live:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._watching is not None
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    @property
    def count(self) -> int:
        """How many listen."""
        return sum(map(len, self._clients.values()))

    async def follow(self, run_id: str, after: int, heartbeat: float = HEARTBEAT) -> AsyncGenerator[bytes, None]:
        """The events of a run after number ``after``, as they are sent, with a heartbeat in silence; without an end."""
        client, seen = Client(), after
        self._clients[run_id].add(client)
        try:
            client.tell(None)  # what is there already
            while not client.lost:
                try:
                    told = await asyncio.wait_for(client.wake.get(), heartbeat)
                except TimeoutError:
                    yield PING
                    continue
                if told is None or told[0] > seen + 1:
                    for each in await events(self._store, run_id, after=seen):
                        seen = each.seq
                        yield written(each)
                elif told[0] == seen + 1:
                    seen = told[0]
                    yield told[1]
        finally:
            self._clients[run_id].discard(client)
            if not self._clients[run_id]:
                del self._clients[run_id]

    async def _watch(self) -> None:
        while True:
            try:
                inserted = [{"$match": {"operationType": "insert"}}]
                async with await self._store.collection(Event).watch(inserted, max_await_time_ms=1000) as stream:
                    self._tell_all()
                    async for change in stream:
                        self._tell(Event.from_mongo(change["fullDocument"]))
            except (PyMongoError, Unavailable) as error:
                log.warning("live events wait: %s", error)
            except Exception:  # else everybody would wait for ever, and nobody would know why
                log.exception("live events broke off, and begin again")
            await asyncio.sleep(AGAIN)

    def _tell(self, event: Event) -> None:
        listening = self._clients.get(event.run_id)
        if listening:
            told = (event.seq, written(event))  # once for all of them
            for client in listening:
                client.tell(told)

    def _tell_all(self) -> None:
        """The stream was not open for a while: let everybody look."""
        for listening in self._clients.values():
            for client in listening:
                client.tell(None)


def written(event: Event) -> bytes:
    """One event as the stream carries it."""
    told = event.model_dump_json(by_alias=True, exclude={"id", "prev_hash", "hash"})
    return f"id: {event.seq}\nevent: {event.type}\ndata: {told}\n\n".encode()
