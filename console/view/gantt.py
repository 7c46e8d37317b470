"""When each stage and each leaf was worked on, as a Plotly figure that grows while the run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.view.graph import INK, Figure, plain
from console.view.inert import first_line
from console.view.words import STAGES, lasting, name
from ledger.models import RunState
from ledger.queries import Snapshot, Span, is_working

LABEL = 34  # characters
BAR, ON_BAR = "#1f6feb", "#ffffff"  # seen on a light page and on a dark one, and what is written there


def figure(snapshot: Snapshot, spans: Sequence[Span], at: datetime, *, dark: bool = False) -> Figure:
    """One bar a stage, then one a node, in the order in which they began; what goes on ends ``at`` now."""
    rows = [(_title(snapshot, each), each.began, _end(snapshot, each, at)) for each in spans if _wanted(snapshot, each)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "base": [began.isoformat() for _, began, _ in rows],
        "x": [1000 * max(0.5, (ended - began).total_seconds()) for _, began, ended in rows],  # milliseconds
        "y": [title for title, _, _ in rows],
        "text": [lasting((ended - began).total_seconds()) for _, began, ended in rows],
        "hovertext": [f"{title}: {began:%H:%M:%S} to {ended:%H:%M:%S} UTC" for title, began, ended in rows],
        "hoverinfo": "text",
        "marker": {"color": BAR},
        "insidetextfont": {"color": ON_BAR},
        "outsidetextfont": {"color": INK[dark]},
    }
    ink = {"color": INK[dark]}
    shape = {
        "height": 90 + 28 * len(rows), "margin": {"l": 10, "r": 10, "t": 10, "b": 30}, "showlegend": False,
        "bargap": 0.35, "font": ink, "xaxis": {"type": "date", "title": {"text": "UTC", "font": ink}, "tickfont": ink},
        "yaxis": {"autorange": "reversed", "automargin": True, "tickfont": ink},
    }  # fmt: skip
    return {"data": [bars], "layout": shape}


def _wanted(snapshot: Snapshot, span: Span) -> bool:
    return span.node in snapshot.tree if span.node else span.phase in STAGES


def _title(snapshot: Snapshot, span: Span) -> str:
    if span.node:
        return plain(first_line(name(snapshot.tree[span.node]), LABEL))
    return f"Stage: {STAGES[RunState(span.phase)]}"


def _end(snapshot: Snapshot, span: Span, at: datetime) -> datetime:
    run = snapshot.run
    if run.outcome is not None or run.interrupt.paused:
        return span.ended
    goes_on = is_working(snapshot.tree, snapshot.tree[span.node]) if span.node else span.phase == run.state
    return at if goes_on else span.ended
