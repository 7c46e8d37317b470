"""A conversation with a real ledger: what is said is done, answered in words, and kept."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ledger.conversation import conversation
from ledger.issues import change_issue, store_plan
from ledger.models import IssueType, Outcome, Plan, PlanNode, Run, RunState
from ledger.runs import create_run, end_run
from ledger.store import Store
from shipline.errors import InvalidInput
from tasks.context import close_context
from tasks.talk import talk

REPO = "o/talk"


@pytest.fixture
async def run(store: Store, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """A run of the repository, and nobody but the ledger to talk to."""
    nobody = "http://127.0.0.1:9"
    told = {"SHIPLINE_MONGODB_URI": mongodb, "SHIPLINE_DATABASE": database, "SHIPLINE_GITHUB_TOKEN": "t0ken-of-a-test"}
    for name, value in {**told, "SHIPLINE_GITHUB_API_URL": nobody, "PREFECT_API_URL": f"{nobody}/api"}.items():
        monkeypatch.setenv(name, value)
    await close_context()
    yield await create_run(store, "an idea", REPO, "main")
    await close_context()


async def test_a_run_is_paused_by_a_word_and_both_sides_are_kept(store: Store, run: Run) -> None:
    answer = await talk(REPO, "/pause lunch", by="ann")
    assert answer.run_id == run.id
    stopped = (await store.get(Run, run.id)).interrupt
    assert (stopped.paused, stopped.by, stopped.reason) == (True, "ann", "lunch")
    kept = await conversation(store, REPO)
    assert [(each.author, each.text.split(" since")[0]) for each in kept] == [
        ("ann", "/pause lunch"), ("Shipline", "Paused by ann"),
    ]  # fmt: skip
    assert await conversation(store, "o/else") == []


async def test_what_cannot_be_done_is_an_answer(store: Store, run: Run) -> None:
    for said, answered in (
        ("/cancle", "Did you mean /cancel?"),
        ("/retry nothing", "has no issue nothing"),
        ("/approve", "No plan"),
        (f"/status {run.id[:-6]}zzzzzz", "There is no run"),
        ("/resume", "Prefect"),
        ("Something that no recording knows", "No recording matches"),
    ):
        assert answered in (await talk(REPO, said, by="ann")).text
    with pytest.raises(InvalidInput):
        await talk(REPO, "  ", by="ann")
    other = await create_run(store, "an idea", "o/else", "main")
    assert "is a run of o/else" in (await talk(REPO, f"/pause {other.id}", by="ann")).text
    assert not (await store.get(Run, other.id)).interrupt.paused


async def test_a_command_without_a_run_means_the_only_open_one(store: Store, run: Run) -> None:
    newer = await create_run(store, "another idea", REPO, "main")
    said = (await talk(REPO, "/pause", by="ann")).text
    assert "Several runs are open" in said
    assert run.id in said
    await store.change(Run, newer.id, {"state": RunState.ISSUE_TREE})
    await end_run(store, newer.id, Outcome.PLANNED)
    assert (await talk(REPO, "/status", by="ann")).run_id == run.id
    await store.change(Run, run.id, {"outcome": Outcome.SUCCEEDED})
    status = await talk(REPO, "/status", by="ann")
    assert status.run_id == newer.id
    assert "/approve or /cancel" in status.text
    assert "no run of o/nothing" in (await talk("o/nothing", "/status", by="ann")).text


async def test_the_status_names_what_stopped_and_how_to_try_it_again(store: Store, run: Run) -> None:
    node = PlanNode(key="a", type=IssueType.TASK, parent="app", title="Say hello")
    await store_plan(store, run, Plan(nodes=[PlanNode(key="app", type=IssueType.EPIC, title="An app"), node]))
    await change_issue(store, run.id, "a", {"failure": "no answer", "number": 7})
    text = (await talk(REPO, "/status", by="ann")).text
    assert "Stopped: #7 Say hello: no answer (/retry a)" in text
    assert "0 of 2 issues are done" in text
    assert "Prefect" in (await talk(REPO, "/retry #7", by="ann")).text
