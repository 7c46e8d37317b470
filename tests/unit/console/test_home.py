"""The home page: what needs the operator comes first, in words."""

from __future__ import annotations

from dataclasses import replace

from console.view.home import Group, card, grouped, matching, may, needs
from ledger.models import Held, Interrupt, IssueStatus, IssueType, Outcome, ReleaseInfo, RunState
from ledger.rules.budget import BY
from ledger.rules.tree import Tree
from tests.unit.console.seen import AT, issue, run, seen, tree

PAUSED = Interrupt(paused=True, by="ann", reason="lunch", since=AT)
RELEASE = ReleaseInfo(version="1.2.0", tag="v1.2.0", sha="a" * 40, url="http://x", audit_seq=1, audit_hash="h")


def test_a_run_that_goes_on_says_what_is_in_work() -> None:
    found = card(seen(), AT)
    assert (found.group, found.needs) == (Group.RUNNING, ())
    assert found.now == "In work: #4 defect: wrong"
    assert (found.progress, found.when, found.title) == ("0 of 4 issues done", "5 min ago", "Let it *work*.")


def test_what_needs_a_person_says_who_and_why() -> None:
    assert card(seen(run(interrupt=PAUSED)), AT).needs == ("Paused by ann since 2026-11-23 12:00:00 UTC: lunch.",)
    stopped = needs(seen(at=tree(failure="The tests never pass.\ntrace")))
    assert stopped == ("#2 The a stopped: The tests never pass.",)
    failed = card(seen(run(outcome=Outcome.FAILED, error="The base is gone.")), AT)
    assert (failed.group, failed.needs[0]) == (Group.NEEDS_YOU, "The run failed: The base is gone.")
    planned = card(seen(run(outcome=Outcome.PLANNED)), AT)
    assert (planned.group, "look at it" in planned.needs[0]) == (Group.NEEDS_YOU, True)


def test_what_has_ended_asks_for_nothing() -> None:
    done = card(seen(run(outcome=Outcome.SUCCEEDED, state=RunState.DONE, release=RELEASE)), AT)
    assert (done.group, done.stage, done.now, done.needs) == (Group.DONE, "released", "v1.2.0 is released", ())
    assert card(seen(run(outcome=Outcome.CANCELLED), tree(failure="x")), AT).needs == ()


def test_a_guard_that_stopped_a_change_is_named_and_a_person_may_let_it_pass() -> None:
    held = Held(change="c", reasons=["touches .github/workflows/ci.yml"])
    stopped = card(seen(at=tree(failure="Stopped.", held=held)), AT)
    assert stopped.needs == ("A guard stopped the change of #2 The a: touches .github/workflows/ci.yml",)
    assert stopped.held == ("a",)
    passed = card(seen(at=tree(failure="No.", held=held.model_copy(update={"allowed_by": "ann"}))), AT)
    assert (passed.needs, passed.held) == (("#2 The a stopped: No.",), ())


def test_a_run_out_of_budget_says_so() -> None:
    out = Interrupt(paused=True, by=BY, reason="the budget of $1.00 is used up ($1.20)", since=AT)
    (said,) = needs(seen(run(interrupt=out)))
    assert said.startswith("Out of budget: raise it")
    assert "used up ($1.20)" in said


def test_what_a_run_waits_for_by_itself_is_said() -> None:
    gated = issue("a", "epic", number=2, status=IssueStatus.QA, tested_head="a" * 40)
    at = Tree.of([issue("epic", None, IssueType.EPIC, number=1), gated])
    checked = card(replace(seen(at=at), checks={"a": ["ci/test"]}), AT)
    assert (checked.group, checked.now) == (Group.WAITING, "")
    assert checked.waits == ("#2 The a waits for the required check ci/test",)
    behind = card(replace(seen(at=Tree.of([])), behind=("r-2",)), AT)
    assert (behind.group, behind.waits) == (Group.WAITING, ("Its turn comes after r-2",))
    first = issue("a", "epic", number=2)
    others = [issue(f"b{n}", "epic", number=10 + n, order_index=1) for n in range(5)]
    queue = Tree.of([issue("epic", None, IssueType.EPIC, number=1), first, *others])
    told = card(seen(at=queue), AT)
    assert told.waits == (
        "#10 The b0 waits for #2", "#11 The b1 waits for #2", "#12 The b2 waits for #2 (and 2 more wait)",
    )  # fmt: skip
    assert matching([told], "waits #11") == [told]
    works = card(seen(), AT)
    assert (works.group, works.waits) == (Group.RUNNING, ("#3 The b waits for #2",))
    assert card(seen(run(interrupt=PAUSED)), AT).waits == ()


def test_a_run_without_a_tree_says_so() -> None:
    assert card(seen(run(state=RunState.SPEC_WRITING), Tree.of([])), AT).progress == "not planned yet"


def test_every_group_is_there_and_search_needs_every_word() -> None:
    cards = [card(seen(), AT), card(seen(run(interrupt=PAUSED)), AT)]
    assert {group: len(found) for group, found in grouped(cards).items()} == {
        Group.NEEDS_YOU: 1, Group.WAITING: 0, Group.RUNNING: 1, Group.DONE: 0,
    }  # fmt: skip
    assert matching(cards, "LUNCH o/r") == [cards[1]]
    assert matching(cards, "lunch dinner") == []
    assert matching(cards, " ") == cards


def test_only_what_is_possible_can_be_pressed() -> None:
    assert set(may(run())) == {"pause", "advance", "budget", "cancel"}
    assert set(may(run(interrupt=PAUSED))) == {"resume", "budget", "cancel"}
    assert set(may(run(outcome=Outcome.PLANNED))) == {"approve", "budget", "cancel"}
    assert set(may(run(outcome=Outcome.FAILED))) == {"resume", "budget", "cancel"}
    assert may(run(outcome=Outcome.SUCCEEDED)) == {}
    assert may(run(outcome=Outcome.CANCELLED)) == {}
