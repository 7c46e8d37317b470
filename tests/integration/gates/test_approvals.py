"""Approvals of a merge: asked for, given for one head from four places, kept with who and where, and not by agents."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from console.view.home import needs
from ledger.approvals import approvals_of
from ledger.interrupts import pause_run
from ledger.models import Approval, Delivery, IssueStatus, RunState
from ledger.queries import snapshot
from ledger.rules.gates import waits_for_approval
from ledger.runs import transition
from shipline.errors import IllegalTransition, Interrupted, InvalidInput
from tasks.approving import approve
from tasks.context import context
from tasks.gates import BY, GatesShut, go_on_approved
from tasks.hooks.reviewed import ReviewSeen, _no_approver
from tasks.hooks.work import work
from tasks.pulls import merge_pull_request, open_pull_request
from tasks.state import here
from tests.integration.gates.conftest import set_up
from tests.integration.reconcile.conftest import Made, plain

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
merge = plain(merge_pull_request)


@pytest.fixture
async def asked(made: Made) -> Made:
    """The epic is to merge, and the settings ask a person; both leaves are merged."""
    for key in ("bye", "hello"):
        await made.change(key, testedHead=(await made.node(key)).head)
        while not await merge(made.run.id, key):
            head = str(await made.ann.branch(str((await made.node(key)).branch)))
            base = str((await made.node(key)).base)
            merged = await made.ann.say("POST", "merges", base=(await made.node(key)).branch, head=base)
            await made.change(key, head=merged["sha"] if merged else head, testedHead=merged["sha"] if merged else head)
    await plain(open_pull_request)(made.run.id, "epic")
    epic = await made.node("epic")
    await made.change("epic", testedHead=epic.head, status=IssueStatus.QA)
    for state in (RunState.QA, RunState.MERGE):
        await transition(made.store, made.run.id, state, "on")
    await set_up(made, requireApproval=True)
    return made


async def reviewed(made: Made, number: int, event: str, text: str = "", **claims: Any) -> str:
    """Ann reviews on GitHub, and its webhook is worked off; ``claims`` is what the payload says of the review."""
    said = await made.ann.say("POST", f"pulls/{number}/reviews", event=event, body=text)
    return await told(made, number, said["id"], **claims)


async def told(made: Made, number: int, review: int, **claims: Any) -> str:
    """A delivery about a review."""
    payload = {
        "action": "submitted", "repository": {"full_name": made.run.repo}, "sender": {"login": "ann"},
        "pull_request": {"number": number}, "review": {"id": review, **claims},
    }  # fmt: skip
    delivery = Delivery(id=str(uuid.uuid4()), event="pull_request_review", payload=payload)
    return await work(await context(), delivery)


async def test_the_epic_waits_until_a_review_on_github_approves_its_head(asked: Made) -> None:
    run, epic = asked.run.id, await asked.node("epic")
    head = str(epic.tested_head)
    with pytest.raises(Interrupted, match=f"waits for approval of #{epic.pr_number} at head {head[:7]}"):
        await merge(run, "epic")
    parked = await asked.again()
    assert (parked.interrupt.paused, parked.interrupt.by, parked.state, parked.outcome) == (True, BY, "MERGE", None)
    seen = await snapshot(asked.store, run)
    assert f"waits for approval of #{epic.pr_number} at head {head[:7]}" in needs(seen)[0]
    assert waits_for_approval(seen.tree["epic"])

    # Words are none, nor is what a payload claims, nor another head.
    number = int(epic.pr_number or 0)
    assert await reviewed(asked, number, "COMMENT", "approved", state="approved") == "no approval"
    with pytest.raises(IllegalTransition, match="is not the head"):
        await approve(run, by="bob", via="the API", node="epic", head="0" * 40)
    assert await approvals_of(asked.store, run, "epic") == []

    said = await reviewed(asked, number, "APPROVE")
    assert said.startswith(f"@ann approves the merge of #{number} at {head[:7]} (GitHub review ")
    assert not (await asked.again()).interrupt.paused
    (kept,) = await asked.store.find(Approval, {"runId": run})
    assert (kept.by, kept.node, kept.head, kept.via.rpartition(" ")[0]) == ("@ann", "epic", head, "GitHub review")
    assert await merge(run, "epic")
    commit = await asked.ann.say("GET", f"git/commits/{(await asked.node('epic')).merged_sha}")
    assert commit["parents"][1]["sha"] == head


async def test_a_dismissed_review_no_longer_counts(asked: Made) -> None:
    number = int((await asked.node("epic")).pr_number or 0)
    said = await asked.ann.say("POST", f"pulls/{number}/reviews", event="APPROVE")
    await told(asked, number, said["id"])
    assert len(await approvals_of(asked.store, asked.run.id, "epic")) == 1
    await asked.ann.say("PUT", f"pulls/{number}/reviews/{said['id']}/dismissals", message="No.")
    assert "no longer counts" in await told(asked, number, said["id"])
    assert await approvals_of(asked.store, asked.run.id, "epic") == []
    assert len(await asked.store.find(Approval, {"runId": asked.run.id})) == 2  # nothing is ever removed
    with pytest.raises(Interrupted):
        await merge(asked.run.id, "epic")


@pytest.mark.parametrize("via", ["the console", "the command line", "the API"])
async def test_approved_elsewhere_it_counts_as_well(asked: Made, via: str) -> None:
    run = asked.run.id
    with pytest.raises(Interrupted):
        await merge(run, "epic")
    done = await approve(run, by="bob", via=via)
    assert f"({via})" in done.said
    assert done.flow_run is not None
    (word,) = await approvals_of(asked.store, run, "epic")
    assert (word.by, word.via) == ("bob", via)
    assert await merge(run, "epic")


async def test_an_approval_lifts_no_other_pause(asked: Made) -> None:
    await asked.change("epic", awaits=(await asked.node("epic")).head)
    await pause_run(asked.store, asked.run.id, "carol", "lunch")
    said = (await approve(asked.run.id, by="bob", via="the API")).said
    assert "the run goes on when it is resumed (Paused by carol" in said
    assert (await asked.again()).interrupt.by == "carol"


async def test_no_agent_no_program_and_no_reader_can_approve(asked: Made) -> None:
    ctx, at, epic = await context(), await here(asked.run.id), await asked.node("epic")
    head, ours = str(epic.head), await ctx.github.login()

    async def refused(login: str, *, person: bool = True, commit: str = head) -> str:
        seen = ReviewSeen(login=login, person=person, state="APPROVED", commit=commit)
        return await _no_approver(ctx, at.repo, epic, seen)

    assert await refused("ann") == ""
    assert await refused(ours.upper()) == "it is the account that Shipline works as"
    assert await refused("shipline[bot]") == await refused("ci", person=False) == "it is a program's account"
    assert "may not write" in await refused("nobody-here")
    # An agent's work under a person's name: that person's word is the agent's own.
    text = {"message": f"Work\n\nShipline-Run: {asked.run.id}\n", "content": "eA==", "branch": epic.branch}
    made = await asked.ann.say("PUT", "contents/agent.txt", **text)
    assert "under this account's name" in await refused("ann", commit=made["commit"]["sha"])


async def test_a_leaf_that_waits_stops_alone_and_the_run_pauses_when_nothing_else_is_left(made: Made) -> None:
    run = made.run.id
    await set_up(made, approveEveryMerge=True)
    for key in ("hello", "bye"):
        with pytest.raises(GatesShut, match="waits for approval") as shut:
            await merge(run, key)
        await made.change(key, failure=str(shut.value))
    with pytest.raises(InvalidInput, match="Several merges wait"):
        await approve(run, by="bob", via="the API")
    with pytest.raises(Interrupted):
        await go_on_approved(run, (await snapshot(made.store, run)).tree)
    assert (await made.again()).interrupt.by == BY
    await approve(run, by="bob", via="the API", node="hello")
    node = await made.node("hello")
    assert (node.failure, node.awaits, (await made.again()).interrupt.paused) == (None, None, False)
    assert await merge(run, "hello")
