"""The chain of events: whole as long as nobody touches it, and broken for anyone to see when somebody did."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import ChainHead, Event, EventType, Level, PendingEvent
from ledger.rules.chain import event_hash, genesis, seal, verify

NOW = datetime(2026, 11, 23, 5, 30, 0, 123456, tzinfo=UTC)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)) | st.datetimes(
    datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=ZONES
)
DATA = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5) | TIMES,
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


def _pending(number: int, data: dict[str, Any] | None = None, ts: datetime = NOW) -> PendingEvent:
    kind = EventType.ISSUE_UPDATED
    return PendingEvent(id=f"e{number}", type=kind, phase="QA", msg=f"event {number}", data=data or {}, ts=ts)


def _chain(count: int, run_id: str = "run") -> list[Event]:
    events: list[Event] = []
    for number in range(1, count + 1):
        before = events[-1].hash if events else genesis(run_id)
        events.append(seal(_pending(number, {"n": number}), run_id, number, before))
    return events


def _head(events: list[Event]) -> ChainHead:
    return ChainHead(seq=events[-1].seq, hash=events[-1].hash) if events else ChainHead()


WHOLE = _chain(5)
HEAD = _head(WHOLE)
OTHER: dict[str, Any] = {
    "id": "e99", "run_id": "other", "seq": 9, "type": EventType.CI_STATUS, "phase": "MERGE", "level": Level.ERROR,
    "msg": "all is well", "node_id": "a", "data": {"n": 99}, "ts": NOW + timedelta(milliseconds=1),
    "prev_hash": "0" * 64, "hash": "0" * 64,
}  # fmt: skip


@pytest.mark.parametrize("count", range(6))
def test_an_untouched_chain_is_whole(count: int) -> None:
    events = _chain(count)
    assert verify(events, _head(events)) == []
    assert verify(events, ChainHead()) == []


@pytest.mark.parametrize("behind", range(1, 6))
def test_a_head_that_lags_behind_is_whole(behind: int) -> None:
    assert verify(WHOLE, ChainHead(seq=behind, hash=WHOLE[behind - 1].hash)) == []


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("field", list(Event.model_fields))
def test_every_altered_field_is_found(field: str, at: int) -> None:
    assert set(OTHER) == set(Event.model_fields)
    altered = WHOLE[at].model_copy(update={field: OTHER[field]})
    assert verify([*WHOLE[:at], altered, *WHOLE[at + 1 :]], HEAD)


@pytest.mark.parametrize("at", range(5))
def test_an_alteration_with_a_fitting_hash_is_found(at: int) -> None:
    forged = seal(_pending(at + 1, {"n": "forged"}), "run", at + 1, WHOLE[at].prev_hash)
    problems = verify([*WHOLE[:at], forged, *WHOLE[at + 1 :]], HEAD)
    last = "event 5 is not the one that the run remembers"
    assert problems == [last if at == 4 else f"event {at + 2} does not follow the one before it"]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda all_: all_[1:], ["event 1 is missing"]),
        (lambda all_: [*all_[:1], *all_[3:]], ["events 2 to 3 are missing"]),
        (lambda all_: all_[:4], ["the tail is cut off: the run remembers 5 events, the last one here is 4"]),
        (lambda all_: [], ["the tail is cut off: the run remembers 5 events, the last one here is 0"]),
        (
            lambda all_: [all_[0], all_[2], all_[1], *all_[3:]],
            ["event 2 is missing", "event 2 comes after event 3", "event 3 is missing"],
        ),
        (lambda all_: [*all_[:2], *all_[1:]], ["event 2 comes after event 2"]),
        (
            lambda all_: [*all_[:2], *_chain(5, "other")[2:]],
            ["event 3 is of another run", "event 5 is not the one that the run remembers"],
        ),
        (lambda all_: _chain(5, "other"), ["event 5 is not the one that the run remembers"]),
    ],
)
def test_what_was_taken_or_moved_is_named(change: Callable[[list[Event]], list[Event]], problems: list[str]) -> None:
    assert verify(change(WHOLE), HEAD) == problems


def test_contents_swapped_under_their_numbers_are_found() -> None:
    one, two = WHOLE[1], WHOLE[2]
    swapped = [two.model_copy(update={"seq": 2}), one.model_copy(update={"seq": 3})]
    assert "event 2 was altered: its content does not fit its hash" in verify([WHOLE[0], *swapped, *WHOLE[3:]], HEAD)


@settings(max_examples=60, deadline=None)
@given(DATA, TIMES)
def test_an_event_that_went_through_the_database_hashes_the_same(data: dict[str, Any], ts: datetime) -> None:
    sealed = seal(_pending(1, data, ts), "run", 1, genesis("run"))
    stored: dict[str, Any] = bson.decode(bson.encode(sealed.to_mongo()), CodecOptions(tz_aware=True))
    assert verify([Event.from_mongo(stored)], _head([sealed])) == []


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock does not show UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_hash_does_not_depend_on_the_order_of_keys_or_on_the_zone() -> None:
    zone = timezone(timedelta(hours=2))
    assert event_hash("p", {"a": 1, "b": NOW}) == event_hash("p", {"b": NOW.astimezone(zone), "a": 1})
    assert event_hash("p", {"a": 1}) != event_hash("q", {"a": 1})
    naive = NOW.replace(tzinfo=None)  # the database takes it for UTC, whatever the zone of this machine
    assert event_hash("p", {"t": naive}) == event_hash("p", {"t": NOW})


def test_a_number_that_is_none_is_still_sealed_and_checked() -> None:
    sealed = seal(_pending(1, {"coverage": float("nan")}), "run", 1, genesis("run"))
    assert verify([sealed], _head([sealed])) == []
    altered = sealed.model_copy(update={"data": {"coverage": 100.0}})
    assert verify([altered], _head([sealed]))
