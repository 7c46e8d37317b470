"""What the terminal shows of a run: pure functions from a snapshot to Rich renderables and lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ledger.interrupts import words
from ledger.models import Event, Issue, IssueStatus, IssueType, Level, Outcome, Run, RunState
from ledger.queries import Snapshot, is_working, totals
from ledger.rules.ready import Blocker
from ledger.rules.tree import Tree

CHIPS = {
    RunState.SPEC_WRITING: "Spec",
    RunState.ISSUE_TREE: "Plan",
    RunState.EXECUTION_LOOP: "Build",
    RunState.QA: "QA",
    RunState.MERGE: "Merge",
    RunState.RELEASE: "Release",
}
ORDER = list(RunState)
WORDS = {
    IssueStatus.NEW: "waits",
    IssueStatus.IN_PROGRESS: "in work",
    IssueStatus.REVIEW: "in review",
    IssueStatus.QA: "in QA",
    IssueStatus.BLOCKED: "blocked",
    IssueStatus.DONE: "done",
}
MARKS = {
    IssueStatus.NEW: "·",
    IssueStatus.IN_PROGRESS: "▶",
    IssueStatus.REVIEW: "▶",
    IssueStatus.QA: "▶",
    IssueStatus.BLOCKED: "■",
    IssueStatus.DONE: "✓",
}
STYLES = {
    IssueStatus.NEW: "dim",
    IssueStatus.IN_PROGRESS: "cyan",
    IssueStatus.REVIEW: "cyan",
    IssueStatus.QA: "cyan",
    IssueStatus.BLOCKED: "red",
    IssueStatus.DONE: "green",
}


def live(snapshot: Snapshot, recent: Sequence[Event], seconds: float) -> RenderableType:
    """The whole screen of a run in progress."""
    return Group(
        headline(snapshot, seconds), chips(snapshot.run), "", tree_table(snapshot), "", *map(event_line, recent)
    )


def headline(snapshot: Snapshot, seconds: float | None = None) -> Text:
    """One line: which run, how far, how much."""
    counts = totals(snapshot.tree)
    text = Text.assemble((snapshot.run.id, "bold"), f"  {snapshot.run.repo}  ")
    if counts.issues:
        text.append(f"{counts.done} of {counts.issues} issues done, {counts.defects} defects, ")
        text.append(f"{counts.merged_pull_requests} merged")
    if seconds is not None:
        text.append(f"  {seconds:.0f} s", "dim")
    return text


def chips(run: Run) -> Text:
    """The stages, each with a mark that is not only a colour."""
    text = Text()
    now = ORDER.index(run.state)
    for state, word in CHIPS.items():
        at = ORDER.index(state)
        if at < now or run.outcome is Outcome.SUCCEEDED:
            text.append(f"✓ {word}  ", "green")
        elif at == now:
            text.append(f"✗ {word}  " if run.outcome is Outcome.FAILED else f"▶ {word}  ", "bold cyan")
        else:
            text.append(f"· {word}  ", "dim")
    return text


def tree_table(snapshot: Snapshot) -> RenderableType:
    """The issue tree, indented, each open node with what it waits for."""
    tree = snapshot.tree
    if not tree.issues:
        return Text("The tree is not planned yet.", "dim")
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column("mark", min_width=1, no_wrap=True)
    table.add_column("number", min_width=4, no_wrap=True)
    table.add_column("title", max_width=42, min_width=30, overflow="ellipsis", no_wrap=True)
    table.add_column("status", min_width=9, no_wrap=True)
    table.add_column("note", overflow="ellipsis", no_wrap=True)
    for depth, issue in walk(tree):
        style = STYLES[issue.status]
        number = f"#{issue.number}" if issue.number else ""
        name = "defect: " + issue.title.removeprefix("Defect: ") if issue.type is IssueType.DEFECT else issue.title
        table.add_row(
            Text(MARKS[issue.status], style), number, Text("  " * depth + name), Text(WORDS[issue.status], style),
            Text(note(snapshot, issue), "dim"),
        )  # fmt: skip
    return table


def walk(tree: Tree) -> list[tuple[int, Issue]]:
    """Every node with its depth, parents before children, siblings in order."""
    rows: list[tuple[int, Issue]] = []

    def visit(issue: Issue, depth: int) -> None:
        rows.append((depth, issue))
        for child in tree.children(issue.key):
            visit(child, depth + 1)

    visit(tree.root, 0)
    return rows


def note(snapshot: Snapshot, issue: Issue) -> str:
    """What a person wants to know of a node: its failure, what it waits for, or who works on it."""
    if issue.failure:
        return issue.failure
    if issue.status is IssueStatus.DONE:
        return f"PR #{issue.pr_number}" if issue.pr_number else ""
    if is_working(snapshot.tree, issue):
        return issue.agent
    return waiting(snapshot.tree, snapshot.waits.get(issue.key, []))


def waiting(tree: Tree, blockers: Sequence[Blocker]) -> str:
    """``waiting for #12, #13``; at most three are named."""
    keys = list(dict.fromkeys(blocker.key for blocker in blockers))
    if not keys:
        return ""
    named = [f"#{tree[key].number}" if tree[key].number else key for key in keys[:3]]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"waiting for {', '.join(named)}{more}"


def event_line(event: Event) -> Text:
    """One event as one line."""
    style = {Level.ERROR: "red", Level.WARNING: "yellow", Level.DEBUG: "dim"}.get(event.level, "")
    first = event.msg.splitlines()[0] if event.msg else ""
    return Text.assemble((event.ts.strftime("%H:%M:%S "), "dim"), (first, style))


def standing(run: Run) -> Text | None:
    """Who stopped the run, when, why, and how to go on; nothing when nobody did."""
    said = words(run)
    if not said:
        return None
    if run.interrupt.paused and run.outcome is None:
        said += f". Go on: shipline resume {run.id}"
    return Text(said, "yellow")


def progress(run: Run) -> str:
    """How a run stands, in a word or two."""
    if run.outcome is not None:
        return run.outcome.value
    return f"paused by {run.interrupt.by or 'somebody'}" if run.interrupt.paused else "on its way"


def runs_table(found: Sequence[Run]) -> Table:
    """The runs, newest first."""
    table = Table(box=None, pad_edge=False)
    for column in ("run", "repository", "state", "outcome", "started"):
        table.add_column(column)
    for run in found:
        table.add_row(
            run.id, escape(run.repo), run.state.value, progress(run),
            run.created_at.strftime("%Y-%m-%d %H:%M"),
        )  # fmt: skip
    return table
