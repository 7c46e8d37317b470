"""Old events of a finished run are removed, and what stays still verifies; removed otherwise, it does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger import timeline
from ledger.models import ChainHead, Checkpoint, Event, EventType, Outcome, Run, now
from ledger.queries import events
from ledger.runs import create_run, end_run, note_run
from ledger.store import Store
from ledger.timeline import append, event, remove_before, verify
from shipline.errors import IllegalTransition

OLD = timedelta(days=100)
CUT = timedelta(days=90)


@pytest.fixture
async def run(store: Store) -> Run:
    """A finished run: its idea and six events of long ago, two and the outcome of today."""
    created = await create_run(store, "an idea", "o/r", "main")
    await store.collection(Event).delete_many({"runId": created.id})  # its first event, told anew as an old one
    await store.collection(Run).update_one({"_id": created.id}, {"$set": {"chain": {"seq": 0, "hash": ""}}})
    timeline._lanes.clear()  # this process still remembers that event as the tail
    for number in range(1, 10):
        told = event(EventType.STEP_COMPLETED, "X", f"line {number}")
        when = now() - (OLD if number <= 7 else timedelta(0))
        await append(store, created.id, told.model_copy(update={"ts": when}))
    await end_run(store, created.id, Outcome.FAILED, error="enough")
    return await store.get(Run, created.id)


async def test_the_retained_part_verifies_and_says_what_was_removed(store: Store, run: Run) -> None:
    assert await remove_before(store, run, now() - CUT) == 7

    left = await events(store, run.id)
    assert [each.seq for each in left] == [8, 9, 10, 11]
    assert "removes events 1 to 7" in left[-1].msg
    assert await verify(store, run.id) == (4, [])
    kept = await store.get(Run, run.id)
    assert kept.removed is not None and kept.removed.seq == 7

    assert await remove_before(store, kept, now() - CUT) == 0  # again: nothing more, not one more event
    await append(store, run.id, event(EventType.STEP_COMPLETED, "X", "later"))
    assert await verify(store, run.id) == (5, [])


async def test_a_removal_that_was_cut_off_is_finished(store: Store, run: Run) -> None:
    await remove_before(store, run, now() - CUT)
    again = (await events(store, run.id))[0].model_copy(update={"id": "left-over", "seq": 7})
    await store.insert(again)
    assert await verify(store, run.id) == (5, [])
    assert await remove_before(store, await store.get(Run, run.id), now() - CUT) == 1


async def test_events_removed_without_a_checkpoint_are_missing(store: Store, run: Run) -> None:
    await store.collection(Event).delete_many({"runId": run.id, "seq": {"$lte": 7}})
    _, problems = await verify(store, run.id)
    assert problems == ["events 1 to 7 are missing"]


async def test_a_checkpoint_that_no_event_tells_of_counts_for_nothing(store: Store, run: Run) -> None:
    eighth = (await events(store, run.id))[7]
    forged = Checkpoint(seq=7, hash=eighth.prev_hash, at=now())
    await store.collection(Event).delete_many({"runId": run.id, "seq": {"$lte": 7}})
    await note_run(store, run.id, {"removed": forged.model_dump(by_alias=True)})
    _, problems = await verify(store, run.id)
    assert problems == ["events 1 to 7 are missing: no event tells that retention removed them"]


@pytest.mark.parametrize("gone", [[8], [9], [11]])
async def test_what_is_missing_after_the_checkpoint_is_named(store: Store, run: Run, gone: list[int]) -> None:
    await remove_before(store, run, now() - CUT)
    await store.collection(Event).delete_many({"runId": run.id, "seq": {"$in": gone}})
    _, problems = await verify(store, run.id)
    assert problems


async def test_an_altered_event_after_the_checkpoint_is_named(store: Store, run: Run) -> None:
    await remove_before(store, run, now() - CUT)
    await store.collection(Event).update_one({"runId": run.id, "seq": 8}, {"$set": {"msg": "another"}})
    _, problems = await verify(store, run.id)
    assert problems == ["event 8 was altered: its content does not fit its hash"]


async def test_the_event_that_the_release_notes_name_stays(store: Store, run: Run) -> None:
    fifth = (await events(store, run.id))[4]
    release = {"version": "1.0.0", "tag": "v1.0.0", "sha": "s", "url": "u", "auditSeq": 5, "auditHash": fifth.hash}
    await note_run(store, run.id, {"release": release})
    assert await remove_before(store, await store.get(Run, run.id), now() - CUT) == 4
    assert (await verify(store, run.id))[1] == []


async def test_a_chain_sealed_anew_as_a_whole_shows_in_the_last_audit(store: Store, run: Run) -> None:
    await note_run(store, run.id, {"audited": ChainHead(seq=9, hash="what the audit saw").model_dump(by_alias=True)})
    _, problems = await verify(store, run.id)
    assert problems == ["event 9 is not the one that the last audit found"]


async def test_a_run_that_goes_on_or_whose_chain_is_broken_keeps_all_its_events(store: Store, run: Run) -> None:
    going = await create_run(store, "another idea", "o/r", "main")
    with pytest.raises(IllegalTransition, match="has not ended"):
        await remove_before(store, going, now())
    await store.collection(Event).update_one({"runId": run.id, "seq": 2}, {"$set": {"msg": "another"}})
    with pytest.raises(IllegalTransition, match="evidence"):
        await remove_before(store, run, now() - CUT)
    assert len(await events(store, run.id)) == 10
