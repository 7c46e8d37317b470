"""The home page: what needs the operator comes first, in words."""

from __future__ import annotations

from console.view.home import Group, card, grouped, matching, may, needs
from ledger.models import Interrupt, Outcome, ReleaseInfo, RunState
from ledger.rules.tree import Tree
from tests.unit.console.seen import AT, run, seen, tree

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


def test_a_run_without_a_tree_says_so() -> None:
    assert card(seen(run(state=RunState.SPEC_WRITING), Tree.of([])), AT).progress == "not planned yet"


def test_every_group_is_there_and_search_needs_every_word() -> None:
    cards = [card(seen(), AT), card(seen(run(interrupt=PAUSED)), AT)]
    assert {group: len(found) for group, found in grouped(cards).items()} == {
        Group.NEEDS_YOU: 1, Group.RUNNING: 1, Group.DONE: 0,
    }  # fmt: skip
    assert matching(cards, "LUNCH o/r") == [cards[1]]
    assert matching(cards, "lunch dinner") == []
    assert matching(cards, " ") == cards


def test_only_what_is_possible_can_be_pressed() -> None:
    assert set(may(run())) == {"pause", "cancel"}
    assert set(may(run(interrupt=PAUSED))) == {"resume", "cancel"}
    assert set(may(run(outcome=Outcome.PLANNED))) == {"approve", "cancel"}
    assert set(may(run(outcome=Outcome.FAILED))) == {"resume", "cancel"}
    assert may(run(outcome=Outcome.SUCCEEDED)) == {}
    assert may(run(outcome=Outcome.CANCELLED)) == {}
