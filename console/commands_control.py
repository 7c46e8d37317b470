"""Commands that stop runs and let them go on: pause, cancel, retry, advance, for one run or for all."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer

from console.commands_runs import Json, RunId
from console.out import err, out, say_json
from ledger.interrupts import words
from ledger.models import Proof, Run

T = TypeVar("T")

Reason = Annotated[str, typer.Option(help="Why; it stands in the timeline.")]
Repo = Annotated[str | None, typer.Option(help="Only this repository's runs, as owner/name.")]


def pause(run_id: RunId, reason: Reason = "", json: Json = False) -> None:
    """Stop a run at its next effect. Agents that work are left working; `shipline resume RUN` goes on."""
    from tasks import control

    run = now_done(lambda: control.pause(run_id, by=whoami(), reason=reason))
    if json:
        say_json(_public(run))
    else:
        out.print(f"{words(run)}. Nothing new starts. Go on: shipline resume {run_id}", markup=False, soft_wrap=True)


def cancel(
    run_id: RunId,
    reason: Reason = "",
    within: Annotated[float, typer.Option(help="Seconds to wait for the end of everything.", min=1)] = 60,
    json: Json = False,
) -> None:
    """End a run for good, with its agents and processes, and prove that nothing is left. Exit code 1 when something is.

    Work is never deleted: branches and pull requests stay, and are named.
    """
    from tasks import control

    proof = now_done(lambda: control.cancel(run_id, by=whoami(), reason=reason, within=within))
    if json:
        say_json(proof.model_dump(mode="json", by_alias=True) | {"clear": proof.clear})
    else:
        _print_proof(proof)
    if not proof.clear:
        raise typer.Exit(1)


def retry(
    run_id: RunId,
    node: Annotated[str, typer.Argument(help="The node's key, as `shipline show RUN --json` lists it.")],
    json: Json = False,
) -> None:
    """Try one node again that stopped with a failure: its agent is asked anew, its siblings are left as they are."""
    from tasks import control

    say_resumed(now_done(lambda: control.retry(run_id, node, by=whoami())), json)


def allow(
    run_id: RunId,
    node: Annotated[str, typer.Argument(help="The node's key, as `shipline show RUN --json` lists it.")],
    json: Json = False,
) -> None:
    """Let the change of a node pass that a guard stopped: exactly this one, this once. Its agent is not asked anew."""
    from tasks import control

    say_resumed(now_done(lambda: control.allow(run_id, node, by=whoami())), json)


def advance(run_id: RunId, json: Json = False) -> None:
    """Move a run to its next stage when nothing is in the way; otherwise say what is, and change nothing."""
    from tasks import control

    say_resumed(now_done(lambda: control.advance(run_id, by=whoami())), json)


def pause_all(reason: Reason = "", repo: Repo = None, json: Json = False) -> None:
    """Pause every run that has not ended; runs that are started later wait too."""
    from tasks import control

    runs = now_done(lambda: control.pause_all(by=whoami(), reason=reason, repo=repo))
    if json:
        say_json([_public(each) for each in runs])
        return
    for each in runs:
        out.print(f"{each.id}: {words(each)}", markup=False, soft_wrap=True)
    what = f"Runs of {repo}" if repo else "All runs"
    option = f" --repo {repo}" if repo else ""
    out.print(f"{what} wait, and so do new ones. Go on: shipline resume-all{option}", markup=False, soft_wrap=True)


def resume_all(repo: Repo = None, json: Json = False) -> None:
    """Let runs start again, and go on with every run that is paused."""
    from tasks import control

    resumed = now_done(lambda: control.resume_all(by=whoami(), repo=repo))
    if json:
        say_json([_public(each.run) | {"flowRun": each.flow_run, "said": each.said} for each in resumed])
        return
    for each in resumed:
        out.print(f"{each.run.id}: {each.said}", markup=False, soft_wrap=True)
    if not resumed:
        out.print("No run was paused. New runs start at once.")


def whoami() -> str:
    """Who is at the terminal, for the timeline."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "somebody"


def now_done(work: Callable[[], Awaitable[T]]) -> T:
    """Do it in an event loop of its own and release what it opened."""

    async def inside() -> T:
        from tasks.context import close_context

        try:
            return await work()
        finally:
            await close_context()

    return asyncio.run(inside())


def say_resumed(resumed: Any, json: bool) -> None:
    """Which run goes on, and how."""
    if json:
        say_json(_public(resumed.run) | {"flowRun": resumed.flow_run, "said": resumed.said})
    else:
        out.print(f"{resumed.run.id}: {resumed.said}", markup=False, soft_wrap=True)


def _print_proof(proof: Proof) -> None:
    out.print(f"Run {proof.run_id} is cancelled.", markup=False)
    for line in proof.lines:
        out.print(f"  {'✓' if line.clear else '✗'} {line}", markup=False, soft_wrap=True)
    if not proof.clear:
        err.print(f"Something is left. Look again: shipline cancel {proof.run_id}", markup=False)


def _public(run: Run) -> dict[str, Any]:
    return run.model_dump(mode="json", by_alias=True, exclude={"outbox"})
