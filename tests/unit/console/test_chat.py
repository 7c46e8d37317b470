"""The conversation and the plan, as pure values."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.view.chat import bubbles, explained, is_open, is_whole, suggestions
from console.view.inert import without_pictures
from console.view.plan import changes, critical_path, forecast, rows
from ledger.conversation import SHIPLINE
from ledger.models import Budget, Forecast, Interrupt, Message, Outcome
from ledger.rules.plan import plan_of
from ledger.rules.slash import parse
from ledger.rules.tree import Tree
from tests.unit.console.seen import AT, issue, run, seen, tree

FORECAST = Forecast(leaves=2, minutes_of_work=20, minutes_to_finish=15, usd=1.5, critical_path=["a", "b", "gone"])


def _said(number: int, author: str, run_id: str | None = None) -> Message:
    then = AT - timedelta(minutes=5 - number)
    return Message(id=f"m{number}", project_id="p", run_id=run_id, author=author, text="x", created_at=then)


def test_the_stages_stand_below_the_last_word_about_a_run() -> None:
    said = [_said(1, "ann"), _said(2, SHIPLINE, "r-1"), _said(3, "ann"), _said(4, SHIPLINE, "r-1")]
    found = bubbles(said, AT)
    assert [each.ours for each in found] == [False, True, False, True]
    assert [each.run_id for each in found] == [None, None, None, "r-1"]
    assert found[0].when == "4 min ago"


def test_commands_fit_what_stands_and_can_be_read_back() -> None:
    stopped = seen(run(id="r-20261123-aaaaaa"), tree(failure="No."))
    planned = seen(run(id="r-20261123-bbbbbb", outcome=Outcome.PLANNED))
    paused = seen(run(id="r-20261123-cccccc", interrupt=Interrupt(paused=True)))
    found = suggestions([stopped, planned, paused])
    assert found[0] == "/retry a r-20261123-aaaaaa"
    assert "/approve r-20261123-bbbbbb" in found
    assert not any(each.startswith(("/resume", "/advance")) for each in found if "bbbbbb" in each)
    assert "/resume r-20261123-cccccc" in found
    assert "/pause r-20261123-cccccc" not in found
    assert all(parse(each) is not None for each in found if is_whole(each))
    assert all(explained(each) for each in found)
    assert [each for each in found if not is_whole(each)] == ["/run"]
    assert suggestions([]) == ["/run", "/help"]


@pytest.mark.parametrize("line", ["", "/", "/nothing", "hello"])
def test_what_is_no_command_has_no_explanation(line: str) -> None:
    assert explained(line) == ""


def test_open_means_that_a_person_may_still_do_something() -> None:
    open_ones = [each for each in (None, *Outcome) if is_open(run(outcome=each))]
    assert open_ones == [None, Outcome.FAILED, Outcome.PLANNED]


def test_the_forecast_names_what_it_takes_and_what_decides_the_end() -> None:
    planned = run(forecast=FORECAST, budget=Budget(usd=5))
    assert forecast(planned) == {
        "Leaves": "2", "Work": "20 min", "Time to the end": "15 min", "Cost": "$1.50", "Budget": "$5.00",
    }  # fmt: skip
    assert critical_path(planned, tree()) == "The a → The b → gone"
    assert (forecast(run()), critical_path(run(), tree())) == ({}, "")


def test_the_plan_has_no_defects_and_is_indented() -> None:
    found = rows(tree(issue("c", "a", order_index=1, acceptance_criteria=["It works."]), dependencies=["a.d1", "b"]))
    assert [each["Issue"] for each in found] == ["The epic", "\u2003The a", "\u2003\u2003The c", "\u2003The b"]
    assert found[1]["After"] == "b"
    assert (found[2]["Criteria"], found[2]["Estimate"], found[0]["Estimate"]) == ("It works.", "10 min", "")
    assert rows(Tree.of([])) == []


def test_a_plan_that_changed_says_how_and_one_that_did_not_says_nothing() -> None:
    before = plan_of(tree())
    priced = before.model_copy(update={"nodes": [n.model_copy(update={"estimate_usd": 3}) for n in before.nodes]})
    assert changes(priced, tree()) == []
    assert changes(None, tree()) == []
    assert changes(before, tree(issue("c", "a", title="New"), title="Other")) == [
        "~ a title: The a → Other", "+ c New",
    ]  # fmt: skip


def test_a_preview_loads_no_picture() -> None:
    assert without_pictures("![x](http://example.org/x.png)") == "!\\[x](http://example.org/x.png)"
