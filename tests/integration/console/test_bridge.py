"""One answer for all viewers: asked once, never kept when it failed, and asked anew after a command."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.bridge import AWAY, KEPT, PATIENCE, Bridge, Silence
from ledger.store import Store
from shipline.errors import NotFound, Unavailable


@pytest.fixture
def bridge(mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge to this test's ledger."""
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    made = Bridge()
    yield made
    made.close()


class Counted:
    """A question that counts how often it is asked, and fails when told to."""

    def __init__(self) -> None:
        self.times, self.fails = 0, False
        self._lock = threading.Lock()

    async def __call__(self, _: Store) -> int:
        with self._lock:
            self.times += 1
        if self.fails:
            raise NotFound("nothing")
        return self.times


async def test_viewers_share_an_answer_while_it_is_fresh(bridge: Bridge) -> None:
    asked = Counted()
    with ThreadPoolExecutor(8) as viewers:
        answers = list(viewers.map(lambda _: bridge.share("key", asked, 60), range(40)))
    assert set(answers) == {1}
    assert bridge.share("other", asked, 60) == 2
    assert bridge.share("key", asked, 0) == 3  # older than wanted
    assert bridge.read(asked) == 4


async def test_a_failure_is_not_shared_with_who_comes_later(bridge: Bridge) -> None:
    asked = Counted()
    asked.fails = True
    with pytest.raises(NotFound):
        bridge.share("key", asked, 60)
    asked.fails = False
    assert bridge.share("key", asked, 60) == 2


async def test_after_a_command_everything_is_looked_at_anew(bridge: Bridge) -> None:
    asked = Counted()
    bridge.share("key", asked, 60)

    async def command() -> str:
        return "done"

    assert bridge.do(command) == "done"
    assert bridge.share("key", asked, 60) == 2


async def test_old_answers_are_forgotten(bridge: Bridge) -> None:
    asked = Counted()
    for number in range(KEPT + 10):
        bridge.share(number, asked, 60)
    bridge.share(KEPT + 9, asked, 60)
    assert asked.times == KEPT + 10
    bridge.share(0, asked, 60)
    assert asked.times == KEPT + 11


async def test_a_ledger_that_does_not_answer_is_not_asked_until_it_does(bridge: Bridge) -> None:
    asked = Counted()
    bridge._silence = Silence(time.monotonic(), Unavailable("MongoDB has not answered."))
    with pytest.raises(Unavailable):
        bridge.read(asked)
    assert asked.times == 0
    bridge.ping()
    assert bridge.read(asked) == 1
    bridge._silence = Silence(time.monotonic() - AWAY, Unavailable("MongoDB has not answered."))
    assert bridge.read(asked) == 2  # nobody has looked for long


# The driver leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_after_a_look_in_vain_nothing_waits(
    bridge: Bridge, mongodb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", "mongodb://127.0.0.1:9/?directConnection=true")
    with pytest.raises(Unavailable):
        bridge.ping()
    asked, began = Counted(), time.monotonic()
    with pytest.raises(Unavailable):
        bridge.read(asked)
    assert (asked.times, time.monotonic() - began < PATIENCE) == (0, True)
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    bridge.ping()
    assert bridge.read(asked) == 1
    gc.collect()  # here, where its warning is expected


async def test_a_glance_waits_for_nothing(bridge: Bridge) -> None:
    gone = threading.Event()

    async def look() -> str:
        await asyncio.to_thread(gone.wait)
        return "seen"

    assert bridge.glance("far", look, 60) is None
    gone.set()
    until = time.monotonic() + 10
    while bridge.glance("far", look, 60) is None and time.monotonic() < until:
        continue
    assert bridge.glance("far", look, 60) == "seen"
