"""What people ask for on GitHub: an issue with our label is an idea, a comment that begins with /shipline a command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from gha.messages import in_comment
from ledger import answers
from ledger.models import Delivery, Issue
from ledger.rules.slash import Command, Verb, parse
from shipline.errors import InvalidInput, NotFound, ShiplineError, Unavailable
from tasks.actions.outcomes import take
from tasks.context import Context
from tasks.github.repo import Repo
from tasks.hooks.payloads import Commented, IssueLabeled, read
from tasks.submit import submit_once
from tasks.talk import Options, carry_out
from tasks.texts import OURS, marker

LABEL = "shipline"
WORD = "/shipline"
MAY = ("admin", "maintain", "write")  # what a collaborator's permission must be
MAY_APPROVE = ("admin", "maintain")  # as in the console, where that takes more than starting and stopping


@dataclass(frozen=True)
class _Said:
    """What is said there and here. What is not ``final`` may be asked for again, put right."""

    there: str
    here: str
    final: bool = True


async def labeled(ctx: Context, delivery: Delivery) -> str:
    """The label ``shipline`` on an issue starts a run from it, once an issue, when who labelled it may write."""
    told = read(IssueLabeled, delivery.payload)
    number, login = told.issue.number, told.sender.login
    if told.label.name != LABEL:
        return "another label"
    repo = Repo(ctx.github, told.repo)
    issue = await repo.issue(number)
    if issue is None or not issue.open or LABEL not in issue.labels:
        return f"#{number} is not open with the label any more"
    if OURS in issue.body:
        return f"#{number} is an issue of a run"
    if await repo.permission(login) not in MAY:
        return f"{login} may not write to {told.repo}: nothing is started"

    async def start() -> _Said:
        try:
            run = await submit_once(f"issue {told.repo}#{number}", f"{issue.title}\n\n{issue.body}".strip(), told.repo)
        except Unavailable:
            raise
        except ShiplineError as error:
            return _Said(f"No run was started. {error}", f"refused: {error}", final=False)
        return _Said(f"{run.id} is on its way, asked for by @{login}.", f"{run.id} was started from #{number}")

    return await _answered(ctx, repo, number, f"label-{number}", start)


async def commented(ctx: Context, delivery: Delivery) -> str:
    """A comment that begins with ``/shipline`` is a command, when who wrote it may write to the repository."""
    told = read(Commented, delivery.payload)
    if (outcome := in_comment(told.comment.body)) is not None:
        return await take(ctx, outcome, "comment")  # signed, so it does not matter who wrote it
    words, _, rest = told.comment.body.strip().partition(" ")
    if told.action != "created" or words != WORD:
        return "no command"
    login, number = told.comment.user.login, told.issue.number
    if OURS in told.comment.body or login.endswith("[bot]"):
        return f"{login} is a program, and commands are for people"
    repo = Repo(ctx.github, told.repo)
    permission = await repo.permission(login)
    if permission not in MAY:
        return f"{login} may not write to {told.repo}: nothing is done"
    named = f"comment-{told.comment.id}"

    async def obey() -> _Said:
        try:
            command = parse(f"/{rest.strip()}") or Command(Verb.HELP)
            if command.verb in (Verb.APPROVE, Verb.ALLOW) and permission not in MAY_APPROVE:
                raise InvalidInput(f"To {command.verb} takes a maintainer of the repository.")
            said = await _carried_out(ctx, told, command, named)
        except Unavailable:
            raise
        except ShiplineError as error:
            said = str(error)
        return _Said(said, said)

    return await _answered(ctx, repo, number, named, obey)


async def _carried_out(ctx: Context, told: Commented, command: Command, key: str) -> str:
    login = told.comment.user.login
    if command.verb is Verb.RUN:
        run = await submit_once(f"{key} of {told.repo}", command.text, told.repo)
        return f"{run.id} is on its way."
    about = await ctx.store.find_one(Issue, {"repo": told.repo, "number": told.issue.number}, newest=True)
    if command.run is None and about is not None:
        command = Command(command.verb, about.run_id, command.text)
    return (await carry_out(ctx, told.repo, command, by=f"@{login}", options=Options(via="a GitHub comment"))).text


async def _answered(ctx: Context, repo: Repo, number: int, named: str, act: Callable[[], Awaitable[_Said]]) -> str:
    """Do it and say below what came of it, once, however many deliveries ask.

    Whoever follows one that was killed in the middle does it again, which is harmless, and looks for the answer first.
    """
    key = f"{repo.full_name}#{number} {named}"
    known = await answers.begin(ctx.store, key)
    if known is not None:
        return known
    final = False
    try:
        said = await act()
        mark = marker("answer", named)
        with suppress(NotFound):  # the issue was deleted meanwhile: nobody is there to be told
            if await repo.find_comment(number, mark) is None:
                await repo.comment(number, f"{said.there}\n\n{mark}")
        final = said.final
    finally:
        if not final:
            await answers.give_back(ctx.store, key)
    if final:
        await answers.keep(ctx.store, key, said.here)
    return said.here
