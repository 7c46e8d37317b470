"""The table of retries: what is repeated, and how long is waited."""

from __future__ import annotations

import time
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipline.backoff import TRIES
from tasks.github.limiter import Bucket, OwnLimiter, is_write
from tasks.github.retry import LEAST, TABLE, Fault, Then, decide, fault_of, repeatable, told, wait

AT = "/repos/o/r"


@pytest.mark.parametrize(
    ("method", "path", "json", "expected"),
    [
        ("GET", f"{AT}/issues", None, True),
        ("PATCH", f"{AT}/git/refs/heads/main", None, True),
        ("DELETE", f"{AT}/issues/comments/1", None, True),
        ("PUT", f"{AT}/pulls/1/reviews/2", None, True),
        ("PUT", f"{AT}/contents/docs/spec.md", None, False),
        ("PUT", f"{AT}/pulls/1/merge", None, False),
        ("POST", f"{AT}/issues", {"title": "x"}, False),
        ("POST", "/graphql", {"query": "query($id: ID!) { node(id: $id) { id } }"}, True),
        ("POST", "/graphql", {"query": "{ viewer { login } }"}, True),
        ("POST", "/api/graphql", {"query": "\n mutation { x }"}, False),
    ],
)
def test_what_may_be_sent_twice(method: str, path: str, json: object, expected: bool) -> None:
    assert repeatable(method, path, json) is expected


@given(st.sampled_from(Fault), st.integers(1, TRIES))
def test_what_makes_something_is_repeated_only_when_it_was_certainly_not_done(fault: Fault, attempt: int) -> None:
    then = decide(fault, may_repeat=False, attempt=attempt)
    if then in (Then.BACK_OFF, Then.AS_TOLD):
        assert fault in (Fault.UNREACHABLE, Fault.BUSY, Fault.RATE_LIMIT)
    if fault in (Fault.LOST, Fault.SERVER):
        assert then is Then.LOOK  # after the last try too


@pytest.mark.parametrize("fault", Fault)
def test_tries_end(fault: Fault) -> None:
    assert decide(fault, may_repeat=True, attempt=TRIES) is Then.FAIL
    assert set(TABLE) == set(Fault)


@pytest.mark.parametrize(
    ("status", "headers", "text", "expected"),
    [
        (429, {}, "", Fault.RATE_LIMIT),
        (403, {"retry-after": "5"}, "", Fault.RATE_LIMIT),
        (403, {"x-ratelimit-remaining": "0"}, "", Fault.RATE_LIMIT),
        (403, {}, "You have exceeded a secondary rate limit.", Fault.RATE_LIMIT),
        (403, {"x-ratelimit-remaining": "12"}, "Resource not accessible by integration", Fault.REFUSED),
        (500, {}, "", Fault.SERVER),
        (502, {"retry-after": "5"}, "", Fault.SERVER),
        (503, {}, "", Fault.SERVER),
        (503, {"retry-after": "5"}, "", Fault.BUSY),
        (404, {}, "", Fault.REFUSED),
    ],
)
def test_what_an_answer_means(status: int, headers: dict[str, str], text: str, expected: Fault) -> None:
    assert fault_of(httpx.Response(status, headers=headers, text=text)) is expected


def _told(**headers: str) -> float | None:
    return told(httpx.Response(403, headers={name.replace("_", "-"): value for name, value in headers.items()}))


def test_the_time_told_is_read_against_the_other_sides_clock() -> None:
    there = 2_000_000_000  # years from the clock of this machine
    date = formatdate(there, usegmt=True)
    assert _told(retry_after="30") == 30
    assert _told(retry_after=formatdate(there + 30, usegmt=True), date=date) == 30
    reset = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(there + 30)}
    assert _told(**reset, date=date) == 31
    assert _told(x_ratelimit_remaining="0", x_ratelimit_reset=str(int(time.time()) + 30)) == pytest.approx(30.5, abs=1)
    assert _told(x_ratelimit_remaining="7", x_ratelimit_reset=str(there + 30), date=date) is None
    assert _told(retry_after="soon") is None


@given(st.integers(1, TRIES - 1), st.floats(0, 900))
def test_never_less_than_told(attempt: int, seconds: float) -> None:
    assert wait(Then.AS_TOLD, attempt, seconds) >= seconds
    assert wait(Then.AS_TOLD, attempt, None) >= LEAST * 2 ** (attempt - 1)


@given(st.integers(3, 5000), st.floats(1, 3600))
def test_a_bucket_stays_under_the_limit(limit: int, window: float) -> None:
    bucket = Bucket.under("any", limit, window)
    assert bucket.capacity >= 1
    assert bucket.capacity + window / bucket.step < limit


def test_githubs_limits_leave_a_little_room() -> None:
    assert (Bucket.under("minute", 80, 60).capacity, Bucket.under("hour", 500, 3600).capacity) == (39, 249)


@pytest.mark.parametrize(
    ("method", "url", "json", "expected"),
    [
        ("GET", "/repos/o/r", None, False),
        ("DELETE", "/repos/o/r", None, True),
        ("POST", "/repos/o/r/issues", {"title": "x"}, True),
        ("POST", "/graphql", {"query": "query { viewer { login } }"}, False),
        ("POST", "/graphql", {"query": "mutation { x }"}, True),
    ],
)
def test_which_requests_are_writes(method: str, url: str, json: object, expected: bool) -> None:
    assert is_write(httpx.Request(method, f"http://x{url}", json=json)) is expected


async def test_a_process_alone_keeps_the_numbers_too() -> None:
    limiter = OwnLimiter("alone.example", [Bucket.under("window", 9, 0.4)])
    moments = []
    for _ in range(14):
        await limiter.slot()
        moments.append(time.monotonic())
    assert moments[3] - moments[0] < 0.1  # the capacity at once
    for begun in moments:
        assert len([each for each in moments if begun <= each < begun + 0.4]) < 9
