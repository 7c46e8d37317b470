"""``shipline budget``: what a run may use, what it has used, and how a person raises it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from console.commands_control import whoami
from console.commands_runs import Json, RunId
from console.ledger import open_ledger
from console.out import out, say_json
from ledger.models import Run, Spent
from ledger.rules.budget import amount, lines, nearly_used_up

Shown = tuple[Run, Spent, str]


def budget(
    run_id: RunId,
    usd: Annotated[float | None, typer.Option(min=0, help="Dollars that its agents may cost.")] = None,
    tokens: Annotated[int | None, typer.Option(min=0, help="Tokens that they may use.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Minutes of work, pauses not counted.")] = None,
    json: Json = False,
) -> None:
    """Show a run's budget and what is used of it; with a figure, set that limit.

    A run that paused because its budget was used up goes on when the new one is large enough.
    """
    if usd is None and tokens is None and minutes is None:
        run, spent, said = asyncio.run(_look(run_id))
    else:
        run, spent, said = asyncio.run(_set(run_id, usd, tokens, minutes))
    if json:
        say_json(
            {
                "run": run.id,
                "budget": run.budget.model_dump(by_alias=True),
                "spent": spent.model_dump(by_alias=True),
                "paused": run.interrupt.paused,
                "said": said,
            }
        )
        return
    _print(run, spent)
    if said:
        out.print(said, markup=False, soft_wrap=True)


def _print(run: Run, spent: Spent) -> None:
    limited = lines(run.budget, spent)
    near = nearly_used_up(run.budget, spent)
    for each in limited:
        mark = " (used up)" if each.used >= each.limit else " (nearly used up)" if each in near else ""
        used, limit = amount(each.kind, each.used), amount(each.kind, each.limit)
        out.print(f"{used} of {limit}, {each.percent} %{mark}", markup=False)
    if not limited:
        out.print(f"No limit. Set one: shipline budget {run.id} --usd 10", markup=False)
    known = (amount("usd", spent.usd), amount("tokens", spent.tokens), amount("minutes", spent.minutes))
    replayed = " Agents that replay are counted at what they once cost." if spent.replayed else ""
    out.print(f"Used so far: {', '.join(known)}.{replayed}", markup=False, soft_wrap=True)


async def _look(run_id: str) -> Shown:
    from tasks.budget import spent_by

    async with open_ledger() as store:
        run = await store.get(Run, run_id)
        return run, await spent_by(store, run), ""


async def _set(run_id: str, usd: float | None, tokens: int | None, minutes: float | None) -> Shown:
    from tasks import control
    from tasks.context import close_context

    try:
        done = await control.set_budget(run_id, by=whoami(), usd=usd, tokens=tokens, minutes=minutes)
        return done.run, done.spent, done.said
    finally:
        await close_context()
