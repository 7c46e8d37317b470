"""The graph and the times: every node is drawn or said to be folded, and no label is read as HTML."""

from __future__ import annotations

from datetime import timedelta

from console.view import gantt, graph
from ledger.models import Forecast, IssueStatus, IssueType, Outcome
from ledger.queries import Span
from ledger.rules.tree import Tree
from tests.unit.console.seen import AT, issue, run, seen, tree

FORECAST = Forecast(leaves=2, minutes_of_work=20, minutes_to_finish=20, usd=0, critical_path=["b"])


def _big() -> Tree:
    epic = issue("epic", None, IssueType.EPIC)
    features = [issue(f"f{n}", "epic", IssueType.FEATURE, order_index=n, status=_done(n)) for n in range(30)]
    leaves = [issue(f"l{n}", f"f{n % 30}", status=_done(n % 30)) for n in range(300)]
    return Tree.of([epic, *features, *leaves])


def _done(number: int) -> IssueStatus:
    return IssueStatus.DONE if number < 10 else IssueStatus.NEW


def test_every_node_has_its_state_in_words_and_opens_by_its_key() -> None:
    drawn = graph.figure(seen(run(forecast=FORECAST)))["data"][-1]
    assert drawn["customdata"] == ["epic", "a", "a.d1", "b"]
    assert [label.rpartition(": ")[2] for label in drawn["text"]] == ["blocked", "blocked", "in work", "waits"]
    assert [label.startswith("◆") for label in drawn["text"]] == [False, False, False, True]
    assert len(set(drawn["marker"]["symbol"])) == 3


def test_more_than_two_hundred_nodes_are_folded_finished_ones_first_and_none_is_lost() -> None:
    big = _big()
    spots = graph.layout(big)
    assert len(spots) <= graph.DRAWN
    assert len(spots) + sum(each.folded for each in spots) == len(big.issues)
    folded = [each.issue for each in spots if each.folded]
    assert [each.status for each in folded[:10]] == [IssueStatus.DONE] * 10
    assert not any(each.folded for each in graph.layout(tree()))


def test_html_in_a_title_is_shown_and_not_read() -> None:
    title = "<a href='x'>&amp; <b>"
    drawn = graph.figure(seen(at=tree(title=title)))["data"][-1]
    assert "<a" not in drawn["text"][1] + drawn["hovertext"][1].replace("<br>", "")
    assert "&lt;a href" in drawn["hovertext"][1]
    spans = [Span("a", "", AT, AT + timedelta(seconds=3))]
    assert "<" not in gantt.figure(seen(at=tree(title=title)), spans, AT)["data"][0]["y"][0]


def test_what_goes_on_grows_and_what_ended_does_not() -> None:
    spans = [
        Span("", "IDEA_SUBMITTED", AT, AT), Span("", "EXECUTION_LOOP", AT, AT + timedelta(seconds=2)),
        Span("a", "", AT, AT + timedelta(seconds=2)), Span("run", "", AT, AT),
    ]  # fmt: skip
    later = AT + timedelta(seconds=60)
    bars = gantt.figure(seen(), spans, later)["data"][0]
    assert (bars["y"], bars["x"], bars["text"]) == (["Stage: Build", "#2 The a"], [60_000, 2_000], ["60 s", "2 s"])
    assert gantt.figure(seen(run(outcome=Outcome.FAILED)), spans, later)["data"][0]["x"] == [2_000, 2_000]
