"""When a run that nobody carries is given to a worker again."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from ledger.rules.hand_over import GRACE, WAITS, WINDOW, hand_over
from tests.unit.rules.helpers import AT


def test_a_run_that_nobody_carries_is_given_on_at_once_then_ever_later_then_no_more() -> None:
    times: list[datetime] = []
    at = AT
    for number in range(1, len(WAITS) + 1):
        idle = at - GRACE
        while not (verdict := hand_over(times, at, idle_since=idle)).now:
            assert verdict.why
            at += timedelta(minutes=1)
        assert verdict.number == number
        times.append(at)
    assert [round((b - a) / timedelta(minutes=1)) for a, b in pairwise(times)] == [5, 15, 45, 120]
    stopped = hand_over(times, at + timedelta(hours=3), idle_since=AT)
    assert not stopped.now
    assert "resume" in stopped.decide
    assert hand_over(times, at + WINDOW, idle_since=AT).now  # another day


def test_a_run_that_was_just_touched_is_left_a_moment() -> None:
    assert not hand_over([], AT, idle_since=AT).now
    assert hand_over([], AT + GRACE, idle_since=AT).now
