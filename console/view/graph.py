"""The issue graph as a Plotly figure: who is under whom, who waits for whom, and the critical path."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from console.view.inert import first_line
from console.view.run import note
from console.view.words import mark_and_word, name
from ledger.models import Issue, IssueStatus
from ledger.queries import Snapshot
from ledger.rules.tree import Tree

Figure = dict[str, Any]  # as Plotly's JSON has it

DRAWN = 200  # nodes: beyond that finished branches, then the deepest levels, are folded
WIDE, HIGH = 1.0, 1.0
LABEL = 28  # characters
INK = {False: "#31333f", True: "#fafafa"}  # of text, on a light and on a dark page; Streamlit's own grey is too pale


@dataclass(frozen=True)
class Spot:
    """A node and where it is drawn: columns are depths, rows are the order of the tree."""

    issue: Issue
    x: float
    y: float
    folded: int = 0  # nodes below it that are not drawn


def figure(snapshot: Snapshot, *, dark: bool = False, opened: Collection[str] = ()) -> Figure:
    """The graph; each point's ``customdata`` is the node's key. Branches that are ``opened`` are not folded."""
    tree = snapshot.tree
    spots = layout(tree, opened=opened)
    at = {each.issue.key: each for each in spots}
    critical = set(snapshot.run.forecast.critical_path) if snapshot.run.forecast else set()
    parts = [(at[each.issue.parent], each) for each in spots if each.issue.parent in at]
    waits = [(at[key], each) for each in spots for key in each.issue.dependencies if key in at]
    nodes = {
        "type": "scatter",
        "mode": "markers+text",
        "name": "issue (◆ on the critical path)",
        "x": [each.x for each in spots],
        "y": [-each.y for each in spots],
        "marker": {"size": 13, "color": "#7d8590", "symbol": [_symbol(each.issue) for each in spots]},
        "text": [_label(each, each.issue.key in critical) for each in spots],
        "textposition": "middle right",
        "textfont": {"color": INK[dark]},
        "customdata": [each.issue.key for each in spots],
        "hovertext": [_hover(snapshot, each, each.issue.key in critical) for each in spots],
        "hoverinfo": "text",
    }
    rows = max((each.y for each in spots), default=0) + 1
    deepest = max((each.x for each in spots), default=0)
    shape = {
        "height": int(min(1400, 120 + 34 * rows)), "showlegend": True, "dragmode": "pan",
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10}, "font": {"color": INK[dark]},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"color": INK[dark]}},
        "xaxis": {"visible": False, "range": [-0.2, deepest + 1.6]}, "yaxis": {"visible": False},
    }  # fmt: skip
    return {"data": [_lines(parts, "is part of", "dot"), _lines(waits, "waits for", "solid"), nodes], "layout": shape}


def layout(tree: Tree, most: int = DRAWN, opened: Collection[str] = ()) -> list[Spot]:
    """Where each node is drawn; at most ``most`` of them, unless a person has ``opened`` a branch."""
    hidden = _folded(tree, most, opened)
    return [
        Spot(issue, WIDE * len(tree.ancestors(issue.key)), HIGH * row, len(hidden.get(issue.key, ())))
        for row, issue in enumerate(each for each in tree.issues if not _is_hidden(tree, each, hidden))
    ]


def folded(tree: Tree) -> dict[str, str]:
    """The branches that are folded unless they are opened: the name of each by its key."""
    below = _folded(tree, DRAWN, ())
    return {key: f"{name(tree[key])} (+{len(found)})" for key, found in below.items()}


def _folded(tree: Tree, most: int, opened: Collection[str]) -> dict[str, Sequence[Issue]]:
    """Which nodes hide what is below them: the finished ones first, then the lowest parents."""
    hidden: dict[str, Sequence[Issue]] = {}
    left = len(tree.issues)
    parents = [each for each in tree.issues if tree.children(each.key) and each.parent is not None]

    def order(each: Issue) -> tuple[bool, int]:
        return each.status is not IssueStatus.DONE, -len(tree.ancestors(each.key))

    for issue in sorted(parents, key=order):
        if left <= most:
            break
        below = tree.descendants(issue.key)
        left -= sum(not any(a.key in hidden for a in tree.ancestors(each.key)) for each in below)
        hidden[issue.key] = below
    shown = {key for each in opened if each in tree for key in (each, *(a.key for a in tree.ancestors(each)))}
    return {key: below for key, below in hidden.items() if key not in shown}


def _is_hidden(tree: Tree, issue: Issue, hidden: dict[str, Sequence[Issue]]) -> bool:
    return bool(hidden) and any(each.key in hidden for each in tree.ancestors(issue.key))


def _lines(pairs: Sequence[tuple[Spot, Spot]], title: str, dash: str) -> Figure:
    x: list[float | None] = []
    y: list[float | None] = []
    for one, other in pairs:
        x += [one.x, other.x, None]
        y += [-one.y, -other.y, None]
    line = {"width": 1.5 if dash == "solid" else 1, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip", "name": title}


def _symbol(issue: Issue) -> str:
    if issue.failure:
        return "x"
    return {IssueStatus.NEW: "circle-open", IssueStatus.DONE: "circle", IssueStatus.BLOCKED: "square"}.get(
        issue.status, "triangle-right"
    )


def _label(spot: Spot, critical: bool) -> str:
    mark, word = mark_and_word(spot.issue)
    mark = f"◆ {mark}" if critical else mark
    more = f" (+{spot.folded} folded)" if spot.folded else ""
    return f"{mark} {plain(first_line(name(spot.issue), LABEL))}: {word}{more}"


def _hover(snapshot: Snapshot, spot: Spot, critical: bool) -> str:
    said = plain(first_line(note(snapshot, spot.issue)))
    path = "on the critical path" if critical else ""
    return "<br>".join(each for each in (plain(name(spot.issue)), said, path, "click to open") if each)


def plain(text: str) -> str:
    """Plotly reads some HTML in labels; this text is shown as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
