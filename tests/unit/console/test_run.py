"""The run page: stages, tree, log and numbers in words."""

from __future__ import annotations

import pytest

from console.view.run import as_text, chips, entries, facts, lines
from console.view.words import lasting, money
from ledger.models import Budget, Event, EventType, Interrupt, IssueStatus, Level, Outcome, ReleaseInfo, RunState
from ledger.rules.tree import Tree
from tests.unit.console.seen import AT, run, seen, tree


def test_each_stage_says_how_it_stands() -> None:
    assert [each.standing for each in chips(run())] == ["done", "done", "now", "to come", "to come", "to come"]
    assert chips(run(outcome=Outcome.FAILED))[2].standing == "failed"
    assert chips(run(interrupt=Interrupt(paused=True)))[2].standing == "paused"
    assert {each.standing for each in chips(run(outcome=Outcome.SUCCEEDED, state=RunState.DONE))} == {"done"}


def test_the_tree_says_who_waits_for_what() -> None:
    epic, a, defect, b = lines(seen())
    assert (epic.depth, a.depth, defect.depth, b.depth) == (0, 1, 2, 1)
    assert a.said == "blocked · waits for #4"
    assert (defect.name, defect.said) == ("#4 defect: wrong", "in work · developer-implementer works on it")
    assert b.said.startswith("waits for #2")
    assert lines(seen(at=Tree.of([]))) == []


def test_a_node_that_stopped_says_why_and_a_done_one_where() -> None:
    assert lines(seen(at=tree(failure="No.")))[1].said == "failed · No."
    done = lines(seen(at=tree(status=IssueStatus.DONE, pr_number=9)))[1]
    assert (done.mark, done.said) == ("✓", "done · pull request #9")


def test_the_numbers_name_the_limit_where_there_is_one() -> None:
    assert facts(seen())["Cost"] == "< $0.01"
    assert facts(seen(run(budget=Budget(usd=2, tokens=5000)))) | {} == {
        "Issues done": "0 of 4", "Defects": "1", "Merged": "0", "Worked on for": "0 s",
        "Cost": "< $0.01 of $2.00", "Tokens": "900 of 5,000",
    }  # fmt: skip
    assert "Released" not in facts(seen())
    release = ReleaseInfo(version="0.2.0", tag="v0.2.0", sha="abc", url="u", audit_seq=1, audit_hash="h")
    assert facts(seen(run(release=release)))["Released"] == "v0.2.0"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3599, "60 min"), (7500, "2 h 5 min")]
)
def test_how_long(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_money() -> None:
    assert [money(each) for each in (0, 0.001, 0.4, 1234.5)] == ["$0", "< $0.01", "$0.40", "$1,234.50"]


def test_a_line_of_the_log_says_its_level_in_a_word() -> None:
    event = Event(
        id="e", run_id="r-1", seq=7, type=EventType.STEP_FAILED, phase="QA", level=Level.ERROR, msg="No\nmore",
        node_id="a", ts=AT, prev_hash="", hash="h",
    )  # fmt: skip
    (entry,) = entries([event])
    assert (entry.seq, entry.at, entry.level, entry.node) == (7, "12:00:00", "✗ error", "a")
    assert as_text([entry]) == "7\t12:00:00\t✗ error\tQA\ta\tNo\nmore\n"
