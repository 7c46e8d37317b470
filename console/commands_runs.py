"""Commands about runs: start one, list them, look at one, follow its log, prove its chain."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer
from rich.text import Text

from console.ledger import open_ledger
from console.out import err, out, say_json
from console.views import chips, event_line, headline, runs_table, standing, tree_table
from ledger import queries
from ledger.interrupts import words
from ledger.models import Budget, Event, Executor, Outcome, Run, Size
from ledger.timeline import verify as verify_chain

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
RunId = Annotated[str, typer.Argument(help="The run, as `shipline runs` lists it.", metavar="RUN")]


def run(
    idea: Annotated[str, typer.Argument(help="The idea in a sentence or two; `-` reads it from standard input.")],
    repo: Annotated[str, typer.Option(help="The repository, as owner/name.")],
    size: Annotated[Size, typer.Option(help="How large a tree the plan may draw.")] = Size.MEDIUM,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Plan only: issues, branches and drafts, no code.")
    ] = False,
    budget_usd: Annotated[float | None, typer.Option(min=0, help="Pause when agents cost so many dollars.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=0, help="Pause when they used so many tokens.")] = None,
    budget_minutes: Annotated[float | None, typer.Option(min=0, help="Pause after so many minutes of work.")] = None,
    executor: Annotated[
        Executor | None, typer.Option(help="Where agents and checks work; the project's settings say, unless given.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return at once.")] = False,
    json: Json = False,
) -> None:
    """Deliver an idea to a repository on the running stack, and follow it to its end.

    The recorded agents know one idea (the demo's). For others configure agents that think: set SHIPLINE_PLANNER and
    SHIPLINE_CODER; the README says how. Ctrl-C stops following, not the run.
    """
    from console.starting import start_run

    text = sys.stdin.read() if idea == "-" else idea
    budget = Budget(usd=budget_usd, tokens=budget_tokens, minutes=budget_minutes)
    asked = start_run(
        text, repo, size=size, dry_run=dry_run, budget=budget, executor=executor, follow=not detach, quiet=json
    )
    ended = asyncio.run(asked)
    _say_end(ended, detach, json)


def resume(
    run_id: RunId,
    force: Annotated[
        bool, typer.Option("--force", help="Start a flow run though one seems to carry the run already.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return at once.")] = False,
    json: Json = False,
) -> None:
    """Go on with a run that was paused, failed, only planned, or cut off: from where it stands, nothing twice."""
    from console.commands_control import whoami
    from console.starting import resume_run

    ended = asyncio.run(resume_run(run_id, by=whoami(), force=force, follow=not detach, quiet=json))
    _say_end(ended, detach, json)


def runs(limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50, json: Json = False) -> None:
    """List the runs, newest first."""
    found = asyncio.run(_runs(limit))
    if json:
        say_json([_public(each) for each in found])
    elif found:
        out.print(runs_table(found))
    else:
        out.print("No run yet. Start one: shipline demo, or shipline run --help")


def show(run_id: RunId, json: Json = False) -> None:
    """Show a run: its stages, its tree, what waits for what, its release."""
    shot = asyncio.run(_snapshot(run_id))
    if json:
        say_json(
            _public(shot.run)
            | {"totals": vars(queries.totals(shot.tree)), "issues": [_issue(i) for i in shot.tree.issues]}
        )
        return
    out.print(headline(shot))
    out.print(Text(shot.idea, "dim"))
    out.print(chips(shot.run))
    if stopped := standing(shot.run):
        out.print(stopped, soft_wrap=True)
    out.print()
    out.print(tree_table(shot))
    if shot.run.error:
        out.print(Text(f"\n{shot.run.error}", "red"))
    if shot.run.release:
        out.print(f"\nReleased {shot.run.release.tag}: {shot.run.release.url}")
    if shot.deployment:
        out.print(f"Deployment of v{shot.deployment.version}: {shot.deployment.status.value} ({shot.deployment.url})")


def logs(
    run_id: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    node: Annotated[str | None, typer.Option(help="Only this node of the tree.")] = None,
    json: Json = False,
) -> None:
    """Print a run's events, oldest first."""
    asyncio.run(_logs(run_id, follow, node, json))


def verify(run_id: RunId, json: Json = False) -> None:
    """Prove that no event of a run was altered, removed or cut off. Exit code 1 when one was."""
    count, problems, removed = asyncio.run(_verify(run_id))
    if json:
        say_json({"run": run_id, "events": count, "whole": not problems, "problems": problems, "removed": removed})
    elif problems:
        err.print(f"[red]The chain of {run_id} is not whole:[/red]")
        for problem in problems:
            err.print(f"  {problem}", markup=False)
    else:
        if removed:
            out.print(f"{removed}; the rest is verified.")
        out.print(f"The chain of {run_id} is whole: {count} events, none altered, removed or cut off.")
    if problems:
        raise typer.Exit(1)


def export(run_id: RunId) -> None:
    """Print every event of a run with its hashes, as lines of JSON: `shipline audit export RUN > FILE`."""
    asyncio.run(_export(run_id))


def _say_end(ended: Run, detach: bool, json: bool) -> None:
    if json:
        say_json(_public(ended))
    elif ended.interrupt.paused:
        out.print(f"Run {ended.id} does not start: {words(ended)}.", markup=False, soft_wrap=True)
    elif detach:
        out.print(f"Run {ended.id} is on its way. Follow it: shipline logs -f {ended.id}")
    elif ended.outcome is Outcome.PLANNED:
        out.print(f"Planned. See it: shipline show {ended.id}. Go on for real: shipline resume {ended.id}")
    if not detach and ended.outcome is Outcome.FAILED:
        raise typer.Exit(1)


async def _runs(limit: int) -> list[Run]:
    async with open_ledger() as store:
        return await queries.runs(store, limit)


async def _snapshot(run_id: str) -> queries.Snapshot:
    async with open_ledger() as store:
        return await queries.snapshot(store, run_id)


async def _verify(run_id: str) -> tuple[int, list[str], str]:
    """How many events, what is wrong with them, and which retention removed (in words, empty when none)."""
    async with open_ledger() as store:
        count, problems = await verify_chain(store, run_id)
        gone = (await store.get(Run, run_id)).removed
        words = f"Events 1 to {gone.seq} were removed by retention on {gone.at:%Y-%m-%d}" if gone else ""
        return count, problems, words


async def _export(run_id: str) -> None:
    async with open_ledger() as store:
        await store.get(Run, run_id)
        async for part in queries.exported(store, run_id):
            sys.stdout.write(part)


async def _logs(run_id: str, follow: bool, node: str | None, json: bool) -> None:
    async with open_ledger() as store:
        await store.get(Run, run_id)
        if not follow:
            for event in await queries.events(store, run_id):
                _print(event, node, json)
            return
        async for event in queries.follow(store, run_id):
            _print(event, node, json)


def _print(event: Event, node: str | None, json: bool) -> None:
    if node is not None and event.node_id != node:
        return
    if json:
        say_json(event.model_dump(mode="json", by_alias=True))
    else:
        out.print(event_line(event), soft_wrap=True)


def _public(found: Run) -> dict[str, Any]:
    return found.model_dump(mode="json", by_alias=True, exclude={"outbox"})


def _issue(issue: Any) -> dict[str, Any]:
    return dict(issue.model_dump(mode="json", by_alias=True, exclude={"outbox"}))
