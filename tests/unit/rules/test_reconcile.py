"""What it means that GitHub is not as the ledger left it: each case, and what must never be concluded from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.models import Issue, IssueStatus, IssueType
from ledger.rules.reconcile import (
    Act,
    Asked,
    Ours,
    PullSeen,
    Seen,
    judge,
)
from tests.unit.rules.helpers import issue

HEAD, MOVED, MERGED = "a" * 40, "b" * 40, "c" * 40
OPEN = PullSeen(12, True, HEAD)
CLOSED = PullSeen(12, False, HEAD, by="ann")
BY_HAND = PullSeen(12, False, HEAD, MERGED, by="ann")


def _node(status: IssueStatus = IssueStatus.QA, **fields: Any) -> Issue:
    known = {"number": 7, "branch": "task/7-x", "base": "epic/1-y", "head": HEAD, "pr_number": 12}
    return issue("leaf", **{"status": status, **known, **fields})


def _seen(**fields: Any) -> Seen:
    return Seen(**{"issue_open": True, "pull": OPEN, "branch": HEAD, **fields})


def _acts(node: Issue, seen: Seen, ours: Ours | None = None, *, open_below: bool = False) -> list[Act]:
    return [each.act for each in judge(node, seen, ours or Ours(), open_below=open_below)]


def test_what_is_as_it_was_left_is_left_alone() -> None:
    assert _acts(_node(), _seen()) == []
    assert _acts(_node(IssueStatus.DONE, merged_sha=MERGED), Seen(issue_open=False), Ours(closed=True)) == []


def test_a_merge_by_a_person_is_taken_over_and_says_who() -> None:
    found = judge(_node(), _seen(pull=BY_HAND, issue_open=False, issue_by="ann"), Ours())
    assert [each.act for each in found] == [Act.TAKE_OVER]
    assert "by ann" in found[0].what


def test_a_merge_of_our_own_is_left_to_its_effect() -> None:
    assert _acts(_node(), _seen(pull=BY_HAND), Ours(merging=True)) == []


def test_a_merge_without_our_work_is_not_called_done() -> None:
    found = judge(_node(), _seen(pull=BY_HAND, holds_ours=False), Ours())
    assert [(each.act, each.asked) for each in found] == [(Act.ASK, Asked.PULL_LACKS_OURS)]
    again = _node(asked=Asked.PULL_LACKS_OURS)
    assert _acts(again, _seen(pull=BY_HAND, holds_ours=False)) == [Act.NEW_PULL]


def test_a_merge_before_all_below_was_done_does_not_finish_the_node() -> None:
    assert _acts(_node(), _seen(pull=BY_HAND), open_below=True) == [Act.NEW_PULL]


def test_a_closed_pull_request_asks_and_a_retry_reopens_it() -> None:
    found = judge(_node(), _seen(pull=CLOSED), Ours())
    assert [(each.act, each.asked) for each in found] == [(Act.ASK, Asked.PULL_CLOSED)]
    assert "reopen #12 or retry leaf" in found[0].decide

    waiting = _node(asked=Asked.PULL_CLOSED, failure="asked")
    assert _acts(waiting, _seen(pull=CLOSED)) == [Act.ASK]
    assert _acts(_node(asked=Asked.PULL_CLOSED), _seen(pull=CLOSED)) == [Act.REOPEN_PULL]
    assert _acts(waiting, _seen()) == [Act.CLEAR]  # the person reopened it themselves


def test_a_deleted_branch_is_restored_with_the_pull_request_that_it_closed() -> None:
    assert _acts(_node(), _seen(branch=None)) == [Act.RESTORE]
    assert _acts(_node(), _seen(branch=None, pull=CLOSED)) == [Act.RESTORE, Act.REOPEN_PULL]
    assert _acts(_node(), _seen(pull=CLOSED, base_there=False)) == [Act.REOPEN_PULL]


def test_a_branch_that_moved_on_is_followed_and_one_that_was_rewritten_asks() -> None:
    assert _acts(_node(), _seen(branch=MOVED)) == [Act.FOLLOW]
    assert _acts(_node(), _seen(branch=MOVED), Ours(moving=True)) == []
    assert _acts(_node(), _seen(branch=MOVED, holds_ours=False)) == [Act.ASK]
    assert _acts(_node(asked=Asked.REWRITTEN), _seen(branch=MOVED, holds_ours=False)) == [Act.FOLLOW]


@pytest.mark.parametrize("kind", [IssueType.TASK, IssueType.FEATURE, IssueType.DEFECT])
def test_a_closed_issue_is_reopened_while_its_work_is_open(kind: IssueType) -> None:
    node = _node(kind=kind)
    assert _acts(node, _seen(issue_open=False, issue_by="ann")) == [Act.REOPEN_ISSUE]


def test_the_epic_closed_by_hand_pauses_and_going_on_reopens_it() -> None:
    epic = _node(parent=None, kind=IssueType.EPIC)
    assert _acts(epic, _seen(issue_open=False)) == [Act.PAUSE]
    told = epic.model_copy(update={"asked": Asked.EPIC_CLOSED})
    assert _acts(told, _seen(issue_open=False)) == [Act.REOPEN_ISSUE]
    assert _acts(told, _seen()) == [Act.CLEAR]


def test_a_done_issue_reopened_by_hand_pauses_and_going_on_closes_it() -> None:
    done = _node(IssueStatus.DONE, merged_sha=MERGED)
    assert _acts(done, Seen(issue_open=True), Ours(closed=True)) == [Act.PAUSE]
    told = done.model_copy(update={"asked": Asked.REOPENED})
    assert _acts(told, Seen(issue_open=True), Ours(closed=True)) == [Act.CLOSE_ISSUE]
    assert _acts(told, Seen(issue_open=False), Ours(closed=True)) == [Act.CLEAR]


def test_our_own_unfinished_word_is_finished_without_blaming_anybody() -> None:
    unclosed = judge(_node(IssueStatus.DONE, merged_sha=MERGED), Seen(issue_open=True), Ours())
    unopened = judge(_node(), _seen(issue_open=False), Ours(closed=True))
    assert [(each.act, each.quiet) for each in unclosed + unopened] == [
        (Act.CLOSE_ISSUE, True), (Act.REOPEN_ISSUE, True)
    ]  # fmt: skip


@given(
    st.sampled_from([OPEN, CLOSED, BY_HAND, None]), st.sampled_from([HEAD, MOVED, None]), st.booleans(), st.booleans(),
    st.booleans(), st.builds(Ours, st.booleans(), st.booleans(), st.booleans()),
    st.sampled_from([None, *Asked]), st.sampled_from([None, "why"]),
)  # fmt: skip
def test_a_node_counts_as_merged_only_when_github_says_so_with_our_work_in_it(
    pull: PullSeen | None, branch: str | None, holds: bool, there: bool, below: bool, ours: Ours,
    asked: Asked | None, failure: str | None,
) -> None:  # fmt: skip
    seen = Seen(issue_open=False, pull=pull, branch=branch, holds_ours=holds, base_there=there)
    acts = _acts(_node(asked=asked, failure=failure), seen, ours, open_below=below)
    if Act.TAKE_OVER in acts:
        assert pull is BY_HAND and holds and not below and not ours.merging
    assert len(acts) == len(set(acts))
