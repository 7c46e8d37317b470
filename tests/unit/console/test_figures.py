"""The graph and the times: every node is drawn or said to be folded, and no label is read as HTML."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


def test_a_folded_branch_can_be_opened() -> None:
    big = _big()
    (first, said), *_ = graph.folded(big).items()
    assert said.endswith("(+10)")
    assert not any(each.issue.parent == first for each in graph.layout(big))
    assert sum(each.issue.parent == first for each in graph.layout(big, opened=[first, "nowhere"])) == 10
    assert graph.folded(tree()) == {}


def test_a_node_says_what_it_waits_for_when_it_is_pointed_at() -> None:
    said = graph.figure(seen())["data"][-1]["hovertext"]
    assert "waits for #2" in said[3]
    assert "works on it" in said[2]


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_written_on_a_chart_can_be_read(dark: bool) -> None:
    page = "#0e1117" if dark else "#ffffff"
    drawn = graph.figure(seen(), dark=dark)
    times = gantt.figure(seen(), [Span("a", "", AT, AT)], AT, dark=dark)
    inks = [
        drawn["data"][-1]["textfont"], drawn["layout"]["font"], drawn["layout"]["legend"]["font"],
        times["data"][0]["outsidetextfont"], times["layout"]["xaxis"]["tickfont"], times["layout"]["yaxis"]["tickfont"],
        times["layout"]["xaxis"]["title"]["font"],
    ]  # fmt: skip
    assert [_contrast(each["color"], page) >= 4.5 for each in inks] == [True] * 7
    assert _contrast(times["data"][0]["insidetextfont"]["color"], times["data"][0]["marker"]["color"]) >= 4.5


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""
    low, high = sorted(_luminance(each) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


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
    works = gantt.figure(seen(), [Span("a.d1", "", AT, AT)], later)["data"][0]
    assert works["x"] == [60_000]
    assert gantt.figure(seen(run(outcome=Outcome.FAILED)), spans, later)["data"][0]["x"] == [2_000, 2_000]
