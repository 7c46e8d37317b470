"""A note of what was used is written to its end, whoever is told to stop; and nothing is counted twice."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest

from ledger.models import Usage
from shipline.ids import digest
from tasks import metering
from tasks.metering import Meter, seen_through


async def _stopped(*, times: int, note: Any, leaving: bool = False) -> BaseException:
    """Cancel a task ``times`` times while it writes ``note``; what it ends with."""
    task = asyncio.ensure_future(seen_through(note, leaving=leaving))
    for _ in range(times):
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, BaseException)
    return ended


@pytest.mark.parametrize("leaving", [True, False])
async def test_a_second_cancellation_does_not_lose_the_note(leaving: bool) -> None:
    noted: list[str] = []

    async def note() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        noted.append("it")

    ended = await _stopped(times=3, note=note(), leaving=leaving)
    assert isinstance(ended, asyncio.CancelledError)
    assert noted == ["it"]


async def test_a_note_that_cannot_be_written_is_logged_and_the_cancellation_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def away() -> None:
        await asyncio.sleep(0.01)
        raise ConnectionError("the ledger is away")

    with caplog.at_level(logging.WARNING):
        ended = await _stopped(times=1, note=away())
    assert isinstance(ended, asyncio.CancelledError)
    assert "the ledger is away" in caplog.text
    with caplog.at_level(logging.WARNING):
        await seen_through(away(), leaving=True)  # whoever leaves raises what made it leave
    with pytest.raises(ConnectionError):
        await seen_through(away())


async def test_a_note_that_does_not_end_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metering, "NOTING", 0.05)
    for leaving in (True, False):
        async with asyncio.timeout(5):
            ended = await _stopped(times=2, note=asyncio.Event().wait(), leaving=leaving)
        assert isinstance(ended, asyncio.CancelledError)
    assert "was not noted within" in caplog.text


def test_of_an_account_only_what_is_new_counts() -> None:
    meter = Meter(cast(Any, None), "a run", Usage(input_tokens=100))
    assert meter.share(Usage(input_tokens=7), None) == Usage(input_tokens=7)
    assert meter.share(Usage(input_tokens=100), "bc-1") == Usage(input_tokens=100)
    meter.counted = {digest("bc-1"): Usage(input_tokens=100, output_tokens=3)}
    assert meter.share(Usage(input_tokens=130, output_tokens=3), "bc-1") == Usage(input_tokens=30)
    assert meter.share(Usage(input_tokens=130), "bc-2") == Usage(input_tokens=130)
