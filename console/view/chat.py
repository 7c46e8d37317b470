"""The conversation: who said what, and which commands make sense now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.view.home import may
from console.view.words import ago
from ledger.conversation import SHIPLINE
from ledger.models import Message, Outcome, Run
from ledger.queries import Snapshot
from ledger.rules.access import Action
from ledger.rules.slash import USAGE, Verb, parse
from shipline.errors import InvalidInput


@dataclass(frozen=True)
class Bubble:
    """One thing said. ``run_id`` is there where the run's stages are to be shown: below the last word about it."""

    author: str
    ours: bool
    text: str
    when: str
    run_id: str | None


def bubbles(messages: Sequence[Message], at: datetime) -> list[Bubble]:
    """The conversation, oldest first."""
    last = {each.run_id: each.id for each in messages if each.run_id}
    return [
        Bubble(
            author=each.author,
            ours=each.author == SHIPLINE,
            text=each.text,
            when=ago(each.created_at, at),
            run_id=each.run_id if each.run_id and last[each.run_id] == each.id else None,
        )
        for each in messages
    ]


def suggestions(seen: Sequence[Snapshot]) -> list[str]:
    """Whole commands that make sense for the open runs, the most pressing first; then those that always do."""
    found: list[str] = []
    for each in seen:
        run = each.run
        stopped = [issue for issue in each.tree.issues if issue.failure]
        found += [f"/allow {issue.key} {run.id}" for issue in stopped if issue.may_pass]
        found += [f"/retry {issue.key} {run.id}" for issue in stopped]
        possible = may(run)
        found += [f"/{verb} {run.id}" for verb in ("approve", "resume", "pause") if verb in possible]
        found.append(f"/status {run.id}")
        if run.outcome is None:
            found.append(f"/advance {run.id}")
        if "cancel" in possible:
            found.append(f"/cancel {run.id}")
    return [*found, f"/{Verb.RUN}", f"/{Verb.HELP}"]


def is_whole(line: str) -> bool:
    """Whether a command that was chosen can be done as it is: an idea must be typed first."""
    return bool(line.strip()) and line.strip() != f"/{Verb.RUN}"


def explained(line: str) -> str:
    """What a command that is being chosen does."""
    word = line.removeprefix("/").split(maxsplit=1)[0] if line.strip("/ ") else ""
    return f"{USAGE[Verb(word)].form}: {USAGE[Verb(word)].what}" if word in list(Verb) else ""


def is_open(run: Run) -> bool:
    """Whether a person may still do something with a run."""
    return run.outcome not in (Outcome.SUCCEEDED, Outcome.CANCELLED)


ACTIONS = {
    Verb.RUN: Action.START, Verb.PAUSE: Action.PAUSE, Verb.RESUME: Action.RESUME, Verb.CANCEL: Action.CANCEL,
    Verb.RETRY: Action.RETRY, Verb.ALLOW: Action.ALLOW,
    Verb.ADVANCE: Action.ADVANCE, Verb.APPROVE: Action.APPROVE, Verb.STATUS: Action.LOOK,
    Verb.HELP: Action.LOOK,
}  # fmt: skip


def wanted(text: str, *, ask_first: bool) -> Action:
    """What saying it would do. An idea that is delivered without showing its plan is approved by who says it."""
    try:
        command = parse(text)
    except InvalidInput:
        return Action.LOOK  # it does nothing; the answer says what is wrong
    action = ACTIONS[command.verb] if command else Action.START
    return Action.APPROVE if action is Action.START and not ask_first else action
