"""GitHub changed by hand, case by case, against the real sandbox: met by the run's own steps, and by reconcile."""

from __future__ import annotations

import pytest

from ledger.interrupts import lift_pause
from ledger.models import IssueStatus
from ledger.queries import events
from ledger.rules.reconcile import Asked
from shipline.errors import Interrupted
from tasks.pulls import open_pull_request
from tasks.reconcile.nodes import attend, attend_all
from tasks.reconcile.noticed import Undecided
from tasks.reconcile.whole import reconcile_run
from tasks.state import revive
from tests.integration.reconcile.conftest import Made, plain


async def _look(made: Made, how: str, key: str) -> bool:
    """Have it noticed: by the node's own step, at a stage's start, or by reconcile when nobody carries the run."""
    if how == "step":
        return await attend(made.run.id, key)
    if how == "stage":
        await attend_all(made.run.id)
    else:
        await reconcile_run(made.run.id)
    return (await made.node(key)).merged_sha is not None


pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]  # the first one waits for the stack

HOWS = pytest.mark.parametrize("how", ["step", "stage", "reconcile"])


async def _told(made: Made) -> str:
    return "\n".join(each.msg for each in await events(made.store, made.run.id))


async def test_nothing_is_noticed_where_nobody_did_anything(made: Made) -> None:
    before = len(await events(made.store, made.run.id))
    assert await attend_all(made.run.id) == []
    assert not await attend(made.run.id, "hello")
    assert len(await events(made.store, made.run.id)) == before


@HOWS
async def test_a_merge_by_a_person_counts_and_what_lies_above_is_tested_anew(made: Made, how: str) -> None:
    hello = await made.node("hello")
    sha = await made.ann.merge(int(hello.pr_number or 0))

    assert await _look(made, how, "hello")

    after, epic = await made.node("hello"), await made.node("epic")
    assert (after.status, after.merged_sha) == (IssueStatus.DONE, sha)
    assert (epic.head, epic.tested_head) == (sha, None)
    assert f"#{hello.pr_number} was merged by ann" in await _told(made)
    if how != "step":  # the step's flow closes it by itself
        await attend_all(made.run.id)
        assert (await made.ann.issue(int(hello.number or 0)))["state"] == "closed"


async def test_a_squash_by_a_person_counts_too(made: Made) -> None:
    sha = await made.ann.merge(int((await made.node("hello")).pr_number or 0), "squash")
    assert await attend(made.run.id, "hello")
    assert (await made.node("hello")).merged_sha == sha


async def test_a_merge_that_lacks_our_commit_asks_and_a_retry_gives_the_rest_its_own(made: Made) -> None:
    hello, epic = await made.node("hello"), await made.node("epic")
    await made.ann.rewrite(str(hello.branch), str(epic.head))
    await made.ann.commit(str(hello.branch))
    await made.ann.merge(int(hello.pr_number or 0))

    with pytest.raises(Undecided, match="without commit"):
        await attend(made.run.id, "hello")
    assert (await made.node("hello")).status is not IssueStatus.DONE

    await revive(made.run.id, dry_run=False)
    assert not await attend(made.run.id, "hello")
    after = await made.node("hello")
    assert (after.pr_number, after.earlier_prs) == (None, [hello.pr_number])


async def test_the_epic_merged_too_early_gets_another_pull_request(made: Made) -> None:
    await made.ann.commit(str((await made.node("epic")).branch), "first.txt")
    epic = await made.node("epic")
    await attend_all(made.run.id)
    first = await plain(open_pull_request)(made.run.id, "epic")
    await made.ann.merge(first)
    await made.ann.commit(str(epic.branch), "second.txt")

    await attend_all(made.run.id)
    assert (await made.node("epic")).merged_sha is None
    second = await plain(open_pull_request)(made.run.id, "epic")
    assert second != first
    assert (await made.ann.pull(second))["state"] == "open"


@HOWS
async def test_a_closed_pull_request_asks_a_person_and_a_retry_reopens_it(made: Made, how: str) -> None:
    number = int((await made.node("hello")).pr_number or 0)
    await made.ann.set_pull(number, "closed")

    if how == "step":
        with pytest.raises(Undecided, match=f"#{number} was closed by ann without a merge. Reopen #{number} or retry"):
            await _look(made, how, "hello")
        await made.change("hello", failure="as the step's flow writes it")
    else:
        await _look(made, how, "hello")
        assert f"#{number} was closed by ann" in str((await made.node("hello")).failure)
    assert (await made.node("hello")).asked == Asked.PULL_CLOSED
    told = len(await events(made.store, made.run.id))
    await attend_all(made.run.id)  # asked once is enough
    assert len(await events(made.store, made.run.id)) == told
    assert (await made.ann.pull(number))["state"] == "closed"

    await revive(made.run.id, dry_run=False)  # what a retry does
    await _look(made, how, "hello")
    assert (await made.ann.pull(number))["state"] == "open"
    after = await made.node("hello")
    assert (after.asked, after.failure) == (None, None)


async def test_a_pull_request_that_the_person_reopens_themselves_goes_on_without_a_retry(made: Made) -> None:
    number = int((await made.node("hello")).pr_number or 0)
    await made.ann.set_pull(number, "closed")
    await attend_all(made.run.id)
    await made.ann.set_pull(number, "open")
    await attend_all(made.run.id)
    after = await made.node("hello")
    assert (after.asked, after.failure) == (None, None)


@HOWS
async def test_a_deleted_branch_comes_back_with_its_pull_request(made: Made, how: str) -> None:
    hello = await made.node("hello")
    for _ in range(2):  # and again
        await made.ann.delete_branch(str(hello.branch))
        assert (await made.ann.pull(int(hello.pr_number or 0)))["state"] == "closed"
        await _look(made, how, "hello")
        assert await made.ann.branch(str(hello.branch)) == hello.head
        assert (await made.ann.pull(int(hello.pr_number or 0)))["state"] == "open"
    assert (await made.node("hello")).failure is None


async def test_a_deleted_base_comes_back_with_the_pull_requests_that_it_closed(made: Made) -> None:
    epic, hello = await made.node("epic"), await made.node("hello")
    await made.ann.delete_branch(str(epic.branch))
    await attend_all(made.run.id)
    assert await made.ann.branch(str(epic.branch)) == epic.head
    assert (await made.ann.pull(int(hello.pr_number or 0)))["state"] == "open"


@HOWS
async def test_a_commit_by_a_person_is_followed_and_tested(made: Made, how: str) -> None:
    hello = await made.node("hello")
    mine = await made.ann.commit(str(hello.branch))
    await _look(made, how, "hello")
    after = await made.node("hello")
    assert (after.head, after.tested_head) == (mine, None)
    assert await made.ann.branch(str(hello.branch)) == mine


@HOWS
async def test_a_rewritten_branch_asks_and_a_retry_takes_it_as_it_is(made: Made, how: str) -> None:
    hello, epic = await made.node("hello"), await made.node("epic")
    await made.ann.commit(str(epic.branch), "base.txt")
    base = str(await made.ann.branch(str(epic.branch)))
    await made.ann.rewrite(str(hello.branch), base)
    theirs = await made.ann.commit(str(hello.branch))
    pull = await made.ann.pull(int(hello.pr_number or 0))
    if pull["state"] == "closed":  # the moment at which it had no commits of its own
        await made.change("hello", prNumber=None)
    if how == "step":
        with pytest.raises(Undecided, match="rewritten by hand"):
            await _look(made, how, "hello")
    else:
        await _look(made, how, "hello")
        assert "rewritten by hand" in str((await made.node("hello")).failure)
    assert (await made.node("hello")).head == hello.head

    await revive(made.run.id, dry_run=False)
    await _look(made, how, "hello")
    after = await made.node("hello")
    assert (after.head, after.tested_head) == (theirs, None)


@HOWS
async def test_a_closed_issue_is_opened_again_and_says_why(made: Made, how: str) -> None:
    number = int((await made.node("hello")).number or 0)
    for time in (1, 2):
        await made.ann.set_issue(number, "closed")
        await _look(made, how, "hello")
        assert (await made.ann.issue(number))["state"] == "open"
        assert sum("is not done, so it is open again" in each for each in await made.ann.comments(number)) == time
    assert "was closed by ann although it is not done" in await _told(made)


async def test_a_closed_defect_is_not_fixed_by_that(made: Made) -> None:
    await made.change("bye", type="defect")
    number = int((await made.node("bye")).number or 0)
    await made.ann.set_issue(number, "closed")
    await attend_all(made.run.id)
    assert (await made.ann.issue(number))["state"] == "open"
    assert "a defect ends when its fix" in (await made.ann.comments(number))[0]


@HOWS
async def test_the_epic_closed_by_hand_pauses_the_run_and_resume_reopens_it(made: Made, how: str) -> None:
    number = int((await made.node("epic")).number or 0)
    await made.ann.set_issue(number, "closed")
    if how == "reconcile":
        await _look(made, how, "hello")
    else:
        with pytest.raises(Interrupted, match=f"Epic #{number} was closed by ann"):
            await _look(made, how, "hello")
    assert (await made.again()).interrupt.by == "ann on GitHub"
    await reconcile_run(made.run.id)  # while it is paused nothing is touched
    assert (await made.ann.issue(number))["state"] == "closed"

    await lift_pause(made.store, made.run.id, "ann")
    await _look(made, how, "hello")
    assert (await made.ann.issue(number))["state"] == "open"
    assert (await made.node("epic")).asked is None


async def test_a_done_issue_reopened_by_hand_pauses_the_run_and_resume_closes_it(made: Made) -> None:
    hello = await made.node("hello")
    number = int(hello.number or 0)
    await made.ann.merge(int(hello.pr_number or 0))
    await attend(made.run.id, "hello")
    await attend_all(made.run.id)
    await made.ann.set_issue(number, "open")

    with pytest.raises(Interrupted, match=f"Issue #{number} was reopened by hand although its work is merged"):
        await attend_all(made.run.id)
    await lift_pause(made.store, made.run.id, "ann")
    await attend_all(made.run.id)
    assert (await made.ann.issue(number))["state"] == "closed"
    assert "This is done" in (await made.ann.comments(number))[-1]


async def test_a_long_lived_branch_that_moves_is_nobodys_business(made: Made) -> None:
    await made.ann.commit("integration")
    assert await attend_all(made.run.id) == []


async def test_what_cannot_be_restored_is_said(made: Made) -> None:
    hello = await made.node("hello")
    await made.ann.delete_branch(str(hello.branch))
    await made.change("hello", head="1" * 40)
    with pytest.raises(Undecided, match="its last commit is gone from GitHub"):
        await attend(made.run.id, "hello")


async def test_a_dry_look_changes_nothing(made: Made) -> None:
    hello = await made.node("hello")
    await made.ann.set_issue(int(hello.number or 0), "closed")
    await made.ann.delete_branch(str((await made.node("bye")).branch))
    before = len(await events(made.store, made.run.id))
    found = await reconcile_run(made.run.id, mend=False)
    assert {each.node for each in found if each.node} == {"hello", "bye"}
    assert not any(each.did for each in found)
    assert (await made.ann.issue(int(hello.number or 0)))["state"] == "closed"
    assert len(await events(made.store, made.run.id)) == before
