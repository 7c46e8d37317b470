"""The home page: what needs the operator, what runs and what it waits for, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from console.view.inert import first_line
from console.view.run import waiting
from console.view.words import ago, name, stage
from ledger.interrupts import words
from ledger.models import Issue, Outcome, Run
from ledger.queries import Snapshot, is_working, totals
from ledger.rules.budget import paused_by_budget

MOST = 3  # issues of a run whose waiting is told on its card


class Group(StrEnum):
    """The parts of the page, in the order in which an operator wants them."""

    NEEDS_YOU = "Needs you"
    WAITING = "Waiting"
    RUNNING = "Running"
    DONE = "Done"


@dataclass(frozen=True)
class Card:
    """One run. ``needs`` is what a person must decide, ``held`` the keys of nodes whose change a guard stopped;
    ``waits`` is what it waits for by itself, ``now`` what goes on.
    """

    run_id: str
    group: Group
    title: str
    repo: str
    stage: str
    progress: str
    needs: tuple[str, ...]
    now: str
    when: str
    waits: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


def card(snapshot: Snapshot, at: datetime) -> Card:
    """A run as the home page shows it."""
    run, counts = snapshot.run, totals(snapshot.tree)
    asks, waits = needs(snapshot), waits_for(snapshot)
    ended = run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED)
    idle = waits and not _working(snapshot)
    going = Group.WAITING if idle else Group.RUNNING
    return Card(
        run_id=run.id,
        group=Group.DONE if ended else Group.NEEDS_YOU if asks else going,
        title=first_line(run.spec.title if run.spec else snapshot.idea),
        repo=run.repo,
        stage=stage(run),
        progress=f"{counts.done} of {counts.issues} issues done" if counts.issues else "not planned yet",
        needs=() if ended else asks,
        now=_now(snapshot),
        when=ago(run.created_at, at),
        waits=waits,
        held=() if ended else tuple(each.key for each in snapshot.tree.issues if each.may_pass),
    )


def needs(snapshot: Snapshot) -> tuple[str, ...]:
    """What waits for a person, each with what to do."""
    run = snapshot.run
    found: list[str] = []
    if run.interrupt.paused:
        found.append(f"Out of budget: raise it, and the run goes on. {words(run)}." if paused_by_budget(run) else
                     f"{words(run)}.")  # fmt: skip
    if run.outcome is Outcome.FAILED:
        found.append(f"The run failed: {run.error or 'see its log'}.".replace("..", "."))
    if run.outcome is Outcome.PLANNED:
        found.append("The plan is ready: look at it, then approve it or give it up.")
    found += [_stopped(each) for each in snapshot.tree.issues if each.failure]
    return tuple(found)


def _stopped(issue: Issue) -> str:
    if issue.may_pass and issue.held is not None:
        return f"A guard stopped the change of {name(issue)}: {first_line('; '.join(issue.held.reasons))}"
    return f"{name(issue)} stopped: {first_line(issue.failure or '')}"


def waits_for(snapshot: Snapshot) -> tuple[str, ...]:
    """What a run that goes on waits for by itself: checks of GitHub, its turn, the order of its own issues."""
    run, tree = snapshot.run, snapshot.tree
    if run.outcome is not None or run.interrupt.paused:
        return ()
    found = [
        f"{name(tree[key])} waits for the required check{'s' * (len(checks) > 1)} {', '.join(checks)}"
        for key, checks in snapshot.checks.items()
        if key in tree
    ]
    if snapshot.behind:
        found.append(f"Its turn comes after {', '.join(snapshot.behind)}")
    leaves = {each.key for each in tree.leaves()}
    said = [
        f"{name(tree[key])} {waiting(tree, blockers)}"
        for key, blockers in snapshot.waits.items()
        if blockers and key in leaves and key not in snapshot.checks and not tree[key].failure
    ]
    more = f" (and {len(said) - MOST} more wait)" if len(said) > MOST else ""
    return (*found, *said[: MOST - 1], *(f"{each}{more}" for each in said[MOST - 1 : MOST]))


def _working(snapshot: Snapshot) -> list[Issue]:
    """Who is worked on; not one that has passed QA and waits for GitHub."""
    tree = snapshot.tree
    return [each for each in tree.issues if is_working(tree, each) and each.key not in snapshot.checks]


def _now(snapshot: Snapshot) -> str:
    run = snapshot.run
    if run.outcome is Outcome.SUCCEEDED:
        return f"{run.release.tag} is released" if run.release else "Ended"
    if run.outcome is not None:
        return ""
    working = [name(each) for each in _working(snapshot)]
    if working:
        more = f" and {len(working) - 2} more" if len(working) > 2 else ""
        return f"In work: {', '.join(working[:2])}{more}"
    return "" if run.interrupt.paused or waits_for(snapshot) else f"{stage(run)} goes on"


def grouped(cards: Sequence[Card]) -> dict[Group, list[Card]]:
    """The cards by group; a group without any is there and empty."""
    return {group: [each for each in cards if each.group is group] for group in Group}


def matching(cards: Sequence[Card], wanted: str) -> list[Card]:
    """The cards in which every word of the search is found."""
    asked = wanted.lower().split()
    return [each for each in cards if all(word in _text(each) for word in asked)]


def _text(each: Card) -> str:
    return " ".join((each.run_id, each.title, each.repo, each.stage, each.now, *each.needs, *each.waits)).lower()


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
    if run.outcome is None and not run.interrupt.paused:
        found["advance"] = (
            "Moves the run to its next stage when nothing is in the way, and says what is when something is."
        )
    found["budget"] = "Sets new limits; a run that paused because it had none left goes on when they are large enough."
    found["cancel"] = "Ends the run for good: its agents and processes are ended. Branches and pull requests stay."
    return found
