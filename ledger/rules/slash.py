"""Slash commands: what a person types in a chat or a comment, as a command or as a sentence that says what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from shipline.errors import InvalidInput

RUN_ID = re.compile(r"^r-[0-9]{8}-[a-z0-9]{6}$")


class Verb(StrEnum):
    """What can be asked for."""

    RUN = "run"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY = "retry"
    ALLOW = "allow"
    ADVANCE = "advance"
    APPROVE = "approve"
    STATUS = "status"
    HELP = "help"


@dataclass(frozen=True)
class Usage:
    """How a command is written, and what it does."""

    form: str
    what: str


USAGE: dict[Verb, Usage] = {
    Verb.RUN: Usage("/run IDEA", "Deliver an idea to this repository."),
    Verb.PAUSE: Usage("/pause [RUN] [WHY]", "Stop a run at its next effect; its agents are left working."),
    Verb.RESUME: Usage("/resume [RUN]", "Go on with a run that was paused, failed, or was cut off."),
    Verb.CANCEL: Usage("/cancel [RUN] [WHY]", "End a run for good; branches and pull requests stay."),
    Verb.RETRY: Usage("/retry ISSUE [RUN]", "Try an issue again that stopped; ISSUE is its key or #number."),
    Verb.ALLOW: Usage("/allow ISSUE [RUN]", "Let the change of an issue pass that a guard stopped, this once."),
    Verb.ADVANCE: Usage("/advance [RUN]", "Move a run to its next stage when nothing is in the way."),
    Verb.APPROVE: Usage("/approve [RUN]", "Let a plan, or a merge, that waits for you go on."),
    Verb.STATUS: Usage("/status [RUN]", "Say where a run stands and what it waits for."),
    Verb.HELP: Usage("/help", "List these commands."),
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """What was asked. ``run`` is None when none was named; ``text`` is the idea, the issue, or the reason."""

    verb: Verb
    run: str | None = None
    text: str = ""


def parse(line: str) -> Command | None:
    """The command in a line; None when it is none but something said. InvalidInput says what a wrong one lacks."""
    said = line.strip()
    if not said.startswith("/"):
        return None
    word, rest = [*said[1:].split(maxsplit=1), "", ""][:2]
    verb = _verb(word.lower())
    if verb is Verb.RUN:
        return Command(verb, None, _needed(verb, rest))
    words = rest.split()
    if verb in (Verb.RETRY, Verb.ALLOW):
        _needed(verb, rest)
        return Command(verb, _named(verb, words[1:]), words[0])
    named = words.pop(0) if words and RUN_ID.match(words[0]) else None
    if words and verb not in (Verb.PAUSE, Verb.CANCEL):
        raise InvalidInput(f"{words[0]!r} is no run.", f"Write {USAGE[verb].form}.")
    return Command(verb, named, " ".join(words))


def help_text() -> str:
    """All commands, a line each."""
    wide = max(len(each.form) for each in USAGE.values())
    return "\n".join(f"{each.form:<{wide}}  {each.what}" for each in USAGE.values())


def _verb(word: str) -> Verb:
    if word in list(Verb):
        return Verb(word)
    begun = [each for each in Verb if word and each.startswith(word)]
    near = begun or get_close_matches(word, list(Verb), 2, 0.7)
    advice = f"Did you mean {' or '.join(f'/{each}' for each in near)}?" if near else "/help lists the commands."
    raise InvalidInput(f"There is no command /{word[:40]}.", advice)


def _needed(verb: Verb, rest: str) -> str:
    if not rest:
        raise InvalidInput(f"/{verb} needs more.", f"Write {USAGE[verb].form}.")
    return rest


def _named(verb: Verb, words: list[str]) -> str | None:
    if not words:
        return None
    if len(words) > 1 or not RUN_ID.match(words[0]):
        raise InvalidInput(f"{words[0]!r} is no run.", f"Write {USAGE[verb].form}.")
    return words[0]
