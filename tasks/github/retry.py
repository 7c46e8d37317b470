"""What is tried again, and when: a table. Everything here is pure; the client asks it after each failure.

A request that makes something is never blindly sent twice: when its answer was lost it may have been done, and only
a look at GitHub can tell. Then OutcomeUnknown is raised, and the journal of effects looks before it acts again.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

from shipline.backoff import TRIES, pause

CAP = 15 * 60.0  # seconds; told to wait longer, nobody blocks a worker but fails and says until when
LEAST = 60.0  # seconds GitHub wants at least after a rate limit that names no time


class Fault(StrEnum):
    """What went wrong with a request."""

    UNREACHABLE = "no connection came about"
    LOST = "the request went out, and no readable answer came back"
    SERVER = "500, 502, 504, or 503 without Retry-After"
    BUSY = "503 with Retry-After"
    RATE_LIMIT = "429, or 403 with a rate limit's headers or words"
    REFUSED = "any other refusal (401, 403, 404, 409, 422, ...)"


class Then(StrEnum):
    """What follows."""

    BACK_OFF = "again after a pause that doubles"
    AS_TOLD = "again, no earlier than told"
    LOOK = "OutcomeUnknown: look before acting again"
    FAIL = "fail at once with a sentence"


@dataclass(frozen=True)
class Row:
    """One line of the table: what follows for a request that may be repeated, and for one that may not."""

    repeatable: Then
    making: Then


TABLE: Mapping[Fault, Row] = {
    #                     GET, PATCH, DELETE, most PUT   POST, a PUT that makes
    Fault.UNREACHABLE: Row(repeatable=Then.BACK_OFF, making=Then.BACK_OFF),
    Fault.LOST:        Row(repeatable=Then.BACK_OFF, making=Then.LOOK),
    Fault.SERVER:      Row(repeatable=Then.BACK_OFF, making=Then.LOOK),
    Fault.BUSY:        Row(repeatable=Then.AS_TOLD,  making=Then.AS_TOLD),
    Fault.RATE_LIMIT:  Row(repeatable=Then.AS_TOLD,  making=Then.AS_TOLD),
    Fault.REFUSED:     Row(repeatable=Then.FAIL,     making=Then.FAIL),
}  # fmt: skip

# A PUT says how things shall be, so that a second one changes nothing, except where GitHub takes it for a new act:
# a file that was made is refused without its sha, a merge that was done is refused as done.
_MAKING_PUT = re.compile(r".*/(contents/.*|pulls/\d+/merge)")
_RATE_WORDS = re.compile(r"secondary rate limit|rate limit exceeded|abuse detection", re.IGNORECASE)


def repeatable(method: str, path: str, json: Any = None) -> bool:
    """Whether sending the request twice leaves GitHub as sending it once, and is answered alike."""
    if method == "POST":
        is_graphql = path.rstrip("/").endswith("/graphql") and isinstance(json, dict)
        return is_graphql and not str(json.get("query", "")).lstrip().startswith("mutation")
    return method != "PUT" or not _MAKING_PUT.fullmatch(path)


def fault_of(response: httpx.Response) -> Fault:
    """What kind of failure an answer with an error status is."""
    status = response.status_code
    if status in (403, 429) and (status == 429 or _rate_limited(response)):
        return Fault.RATE_LIMIT
    if status == 503 and "retry-after" in response.headers:
        return Fault.BUSY
    return Fault.SERVER if status >= 500 else Fault.REFUSED


def _rate_limited(response: httpx.Response) -> bool:
    headers = response.headers
    exhausted = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return exhausted or bool(_RATE_WORDS.search(response.text))


def told(response: httpx.Response) -> float | None:
    """The seconds that an answer tells to wait; None when it names no time.

    The reset is measured against the answer's own date: the clock of this machine may be wrong, or jump.
    """
    headers = response.headers
    given = headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given)
    try:
        here = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()
        if given:
            return max(0.0, parsedate_to_datetime(given).timestamp() - here)
        if headers.get("x-ratelimit-remaining") == "0":
            # Both are whole seconds, so the true distance may be almost one longer.
            return max(0.0, float(headers["x-ratelimit-reset"]) - here + 1)
    except (KeyError, ValueError):
        return None
    return None


def wait(then: Then, attempt: int, seconds: float | None) -> float:
    """How long to wait after the ``attempt``-th try (from 1); ``seconds`` is what the answer told."""
    if then is Then.BACK_OFF:
        return pause(attempt)
    least = LEAST * 2 ** (attempt - 1) if seconds is None else seconds
    return least + random.uniform(0, 1)  # noqa: S311 (jitter, not a secret)


def decide(fault: Fault, may_repeat: bool, attempt: int) -> Then:
    """The table's answer after the ``attempt``-th try; when the tries are used up, none follows."""
    row = TABLE[fault]
    then = row.repeatable if may_repeat else row.making
    return Then.FAIL if attempt >= TRIES and then in (Then.BACK_OFF, Then.AS_TOLD) else then
