"""One answer for all viewers: asked once, never kept when it failed, and asked anew after a command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.bridge import KEPT, Bridge
from ledger.store import Store
from shipline.errors import NotFound


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
