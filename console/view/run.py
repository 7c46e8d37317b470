"""The run page: stages, facts, tree and log of one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.view.words import ORDER, STAGES, lasting, mark_and_word, money, name
from ledger.models import Event, Issue, IssueStatus, Level, Outcome, Run
from ledger.queries import Snapshot, is_working, totals
from ledger.rules.ready import Blocker
from ledger.rules.tree import Tree

LEVELS = {Level.DEBUG: "debug", Level.INFO: "", Level.WARNING: "▲ warning", Level.ERROR: "✗ error"}


@dataclass(frozen=True)
class Chip:
    """One stage: a sign, its name, and how it stands in a word (for who cannot see the sign)."""

    mark: str
    title: str
    standing: str


@dataclass(frozen=True)
class Line:
    """One node in the tree; ``depth`` 0 is the epic."""

    key: str
    depth: int
    mark: str
    name: str
    said: str


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    seq: int
    at: str
    level: str
    phase: str
    node: str
    text: str


def chips(run: Run) -> list[Chip]:
    """The stages in order."""
    found, now = [], ORDER.index(run.state)
    for state, title in STAGES.items():
        at = ORDER.index(state)
        if at < now or run.outcome is Outcome.SUCCEEDED:
            found.append(Chip("✓", title, "done"))
        elif at > now:
            found.append(Chip("○", title, "to come"))
        elif run.outcome is Outcome.FAILED:
            found.append(Chip("✗", title, "failed"))
        elif run.interrupt.paused:
            found.append(Chip("‖", title, "paused"))
        else:
            found.append(Chip("▶", title, "now"))
    return found


def facts(snapshot: Snapshot) -> dict[str, str]:
    """Numbers over all rows, by name, and what was released."""
    run, counts, used = snapshot.run, totals(snapshot.tree), snapshot.usage
    found = {"Issues done": f"{counts.done} of {counts.issues}" if counts.issues else "none planned yet"}
    found["Defects"] = str(counts.defects)
    found["Merged"] = str(counts.merged_pull_requests)
    found["Worked on for"] = lasting(run.clock.seconds)
    limit = f" of {money(run.budget.usd)}" if run.budget.usd is not None else ""
    found["Cost"] = f"{money(used.usd)}{limit}"
    tokens = used.input_tokens + used.output_tokens
    found["Tokens"] = f"{tokens:,}" + (f" of {run.budget.tokens:,}" if run.budget.tokens is not None else "")
    if run.release is not None:
        found["Released"] = run.release.tag
    return found


def lines(snapshot: Snapshot) -> list[Line]:
    """The tree, parents before children; each open node says what it waits for, or who works on it."""
    if not snapshot.tree.issues:
        return []
    found: list[Line] = []

    def visit(issue: Issue, depth: int) -> None:
        mark, word = mark_and_word(issue)
        said = note(snapshot, issue)
        waits = issue.status is IssueStatus.NEW and said and not issue.failure  # the note says it better
        found.append(Line(issue.key, depth, mark, name(issue), said if waits else f"{word} · {said}" if said else word))
        for child in snapshot.tree.children(issue.key):
            visit(child, depth + 1)

    visit(snapshot.tree.root, 0)
    return found


def note(snapshot: Snapshot, issue: Issue) -> str:
    """What a person wants to know of a node: its failure, what it waits for, or who works on it."""
    if issue.failure:
        return issue.failure
    if issue.status is IssueStatus.DONE:
        return f"pull request #{issue.pr_number}" if issue.pr_number else ""
    if checks := snapshot.checks.get(issue.key):
        return f"waits for {', '.join(checks)} on GitHub"
    if is_working(snapshot.tree, issue):
        return f"{issue.agent} works on it"
    return waiting(snapshot.tree, snapshot.waits.get(issue.key, []))


def waiting(tree: Tree, blockers: Sequence[Blocker]) -> str:
    """``waits for #12, #13``; at most three are named."""
    keys = list(dict.fromkeys(each.key for each in blockers))
    named = [f"#{tree[key].number}" if tree[key].number else key for key in keys[:3]]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"waits for {', '.join(named)}{more}" if keys else ""


def entries(events: Sequence[Event]) -> list[Entry]:
    """The log, oldest first."""
    return [
        Entry(each.seq, f"{each.ts:%H:%M:%S}", LEVELS[each.level], each.phase, each.node_id or "", each.msg)
        for each in events
    ]


def as_text(found: Sequence[Entry]) -> str:
    """The log as a file to keep."""
    return "".join(f"{e.seq}\t{e.at}\t{e.level or 'info'}\t{e.phase}\t{e.node}\t{e.text}\n" for e in found)
