"""A person says something about a repository: an idea, or a slash command. What comes of it is said back, in words.

The console's chat comes here, and so can a comment on GitHub. Both sides of the conversation are kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ledger.conversation import SHIPLINE, say
from ledger.interrupts import words
from ledger.issues import read_tree
from ledger.models import Budget, Issue, Message, Outcome, Run, Size
from ledger.queries import is_working, snapshot, totals
from ledger.rules.slash import Command, Verb, help_text, parse
from shipline.errors import InvalidInput, NotFound, ShiplineError
from tasks import control
from tasks.approving import approve
from tasks.context import Context, context
from tasks.submit import submit


@dataclass(frozen=True)
class Options:
    """How an idea is delivered. With ``ask_first`` it is only planned until a person approves the plan.

    ``via`` is where it was said.
    """

    size: Size = Size.MEDIUM
    ask_first: bool = True
    budget: Budget = field(default_factory=Budget)
    via: str = "the chat"


@dataclass(frozen=True)
class Answer:
    """What is said back, and the run that it is about."""

    text: str
    run_id: str | None = None


async def talk(repo: str, text: str, *, by: str, options: Options | None = None) -> Message:
    """Keep what ``by`` said, do it, and return the answer, which is kept too. What went wrong is an answer as well."""
    ctx = await context()
    said = text.strip()
    if not said:
        raise InvalidInput("Nothing was said.", "Write an idea, or /help.")
    await say(ctx.store, repo, by, said)
    try:
        command = parse(said) or Command(Verb.RUN, None, said)
        answer = await carry_out(ctx, repo, command, by=by, options=options or Options())
    except ShiplineError as error:
        answer = Answer(str(error))
    return await say(ctx.store, repo, SHIPLINE, answer.text, answer.run_id)


async def carry_out(ctx: Context, repo: str, command: Command, *, by: str, options: Options) -> Answer:
    """Do what was asked; raises what the control module raises."""
    if command.verb is Verb.HELP:
        return Answer(help_text())
    if command.verb is Verb.RUN:
        return await _start(repo, command.text, by, options)
    run = await _meant(ctx, repo, command)
    if command.verb is Verb.STATUS:
        return Answer(await _status(ctx, run), run.id)
    if command.verb is Verb.RETRY:
        key = await _key(ctx, run, command.text)
        return Answer((await control.retry(run.id, key, by=by)).said, run.id)
    if command.verb is Verb.ALLOW:
        key = await _key(ctx, run, command.text)
        return Answer((await control.allow(run.id, key, by=by)).said, run.id)
    if command.verb is Verb.PAUSE:
        paused = await control.pause(run.id, by=by, reason=command.text)
        return Answer(f"{words(paused)}. Nothing new starts; /resume goes on.", run.id)
    if command.verb is Verb.CANCEL:
        proof = await control.cancel(run.id, by=by, reason=command.text)
        return Answer("\n".join([f"{run.id} is cancelled.", *map(str, proof.lines)]), run.id)
    if command.verb is Verb.APPROVE:
        return Answer((await approve(run.id, by=by, via=options.via)).said, run.id)
    verbs: dict[Verb, Callable[..., Awaitable[control.Resumed]]] = {
        Verb.RESUME: control.resume,
        Verb.ADVANCE: control.advance,
    }
    return Answer((await verbs[command.verb](run.id, by=by)).said, run.id)


async def _start(repo: str, idea: str, by: str, options: Options) -> Answer:
    run = await submit(idea, repo, size=options.size, dry_run=options.ask_first, budget=options.budget)
    if run.interrupt.paused:
        return Answer(f"{run.id} is stored and waits: {words(run)}.", run.id)
    await control.resume(run.id, by=by)
    then = "I show the plan before any code is written." if options.ask_first else "It goes all the way to a release."
    return Answer(f"{run.id} is on its way. {then}", run.id)


async def _meant(ctx: Context, repo: str, command: Command) -> Run:
    """The run that was named, or the only one of the repository that has not ended for good."""
    if command.run is not None:
        run = await ctx.store.get(Run, command.run)
        if run.repo != repo:
            raise InvalidInput(f"{run.id} is a run of {run.repo}, not of {repo}.", "Choose that repository.")
        return run
    for wanted in ({"outcome": None}, {"outcome": {"$in": [Outcome.PLANNED, Outcome.FAILED]}}, {}):
        found = await ctx.store.find(Run, {"repo": repo, **wanted}, [("created_at", -1)], 5)
        if len(found) == 1 or (found and wanted != {"outcome": None}):
            return found[0]
        if found:
            names = ", ".join(each.id for each in found)
            raise InvalidInput(f"Several runs are open: {names}.", f"Name one: /{command.verb} … RUN.")
    raise NotFound(f"There is no run of {repo} yet.", "Write down an idea.")


async def _key(ctx: Context, run: Run, named: str) -> str:
    tree = await read_tree(ctx.store, run.id)
    number = int(named[1:]) if named.startswith("#") and named[1:].isdecimal() else None
    for each in tree.issues:
        if each.key == named or (number is not None and each.number == number):
            return each.key
    raise NotFound(f"{run.id} has no issue {named}.", "/status names the ones that stopped.")


async def _status(ctx: Context, run: Run) -> str:
    seen = await snapshot(ctx.store, run.id)
    counts = totals(seen.tree)
    lines = [f"{run.id} {f'has ended ({run.outcome})' if run.outcome else f'is at {run.state}'}."]
    if said := words(run):
        lines.append(f"{said}.")
    if run.outcome is Outcome.PLANNED:
        lines.append("Its plan waits for you: /approve or /cancel.")
    if counts.issues:
        lines.append(f"{counts.done} of {counts.issues} issues are done; {counts.defects} defects were found.")
    lines += [f"In work: {_name(each)}" for each in seen.tree.issues if is_working(seen.tree, each)]
    lines += [
        f"Stopped: {_name(each)}: {each.failure} (/retry {each.key})" for each in seen.tree.issues if each.failure
    ]
    if run.release:
        lines.append(f"{run.release.tag} is released: {run.release.url}")
    return "\n".join(lines)


def _name(issue: Issue) -> str:
    return f"#{issue.number} {issue.title}" if issue.number else issue.title
