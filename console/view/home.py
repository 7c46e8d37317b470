"""The home page: what needs the operator, what runs and what it waits for, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from console.view.inert import first_line
from console.view.words import ago, name, stage
from ledger.interrupts import words
from ledger.models import Outcome, Run
from ledger.queries import Snapshot, is_working, totals


class Group(StrEnum):
    """The parts of the page, in the order in which an operator wants them."""

    NEEDS_YOU = "Needs you"
    RUNNING = "Running"
    DONE = "Done"


@dataclass(frozen=True)
class Card:
    """One run. ``needs`` is what a person must decide; ``now`` what goes on, or what it waits for."""

    run_id: str
    group: Group
    title: str
    repo: str
    stage: str
    progress: str
    needs: tuple[str, ...]
    now: str
    when: str


def card(snapshot: Snapshot, at: datetime) -> Card:
    """A run as the home page shows it."""
    run, counts = snapshot.run, totals(snapshot.tree)
    asks = needs(snapshot)
    ended = run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED)
    return Card(
        run_id=run.id,
        group=Group.DONE if ended else Group.NEEDS_YOU if asks else Group.RUNNING,
        title=first_line(run.spec.title if run.spec else snapshot.idea),
        repo=run.repo,
        stage=stage(run),
        progress=f"{counts.done} of {counts.issues} issues done" if counts.issues else "not planned yet",
        needs=() if ended else asks,
        now=_now(snapshot),
        when=ago(run.created_at, at),
    )


def needs(snapshot: Snapshot) -> tuple[str, ...]:
    """What waits for a person, each with what to do."""
    run = snapshot.run
    found: list[str] = []
    if run.interrupt.paused:
        found.append(f"{words(run)}.")
    if run.outcome is Outcome.FAILED:
        found.append(f"The run failed: {run.error or 'see its log'}.".replace("..", "."))
    if run.outcome is Outcome.PLANNED:
        found.append("The plan is ready: look at it, then approve it or give it up.")
    found += [f"{name(each)} stopped: {first_line(each.failure)}" for each in snapshot.tree.issues if each.failure]
    return tuple(found)


def _now(snapshot: Snapshot) -> str:
    run, tree = snapshot.run, snapshot.tree
    if run.outcome is Outcome.SUCCEEDED:
        return f"{run.release.tag} is released" if run.release else "Ended"
    if run.outcome is not None:
        return ""
    working = [name(each) for each in tree.issues if is_working(tree, each)]
    if working:
        more = f" and {len(working) - 2} more" if len(working) > 2 else ""
        return f"In work: {', '.join(working[:2])}{more}"
    return "" if run.interrupt.paused else f"{stage(run)} goes on"


def grouped(cards: Sequence[Card]) -> dict[Group, list[Card]]:
    """The cards by group; a group without any is there and empty."""
    return {group: [each for each in cards if each.group is group] for group in Group}


def matching(cards: Sequence[Card], wanted: str) -> list[Card]:
    """The cards in which every word of the search is found."""
    asked = wanted.lower().split()
    return [each for each in cards if all(word in _text(each) for word in asked)]


def _text(each: Card) -> str:
    return " ".join((each.run_id, each.title, each.repo, each.stage, each.now, *each.needs)).lower()


def may(run: Run) -> dict[str, str]:
    """What can be pressed for a run now, each with what it will do; what cannot be pressed is not there."""
    ended = run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED)
    if ended:
        return {}
    found: dict[str, str] = {}
    if run.outcome is Outcome.PLANNED:
        found["approve"] = "Code is written, checked and merged as planned, and released at the end."
    elif run.interrupt.paused or run.outcome is not None:
        found["resume"] = "The run goes on where it stands, in a new process."
    else:
        found["pause"] = "No new effect starts within two seconds. Agents are left working."
    found["cancel"] = "Ends the run for good: its agents and processes are ended. Branches and pull requests stay."
    return found
