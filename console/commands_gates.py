"""What stands between a node and its merge, and a person's word that lets it pass."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from console.commands_control import now_done, say_resumed, whoami
from console.commands_runs import Json, RunId
from console.ledger import open_ledger
from console.out import out, say_json
from console.view.code import Gate, why_not
from console.view.code import gates as gates_of
from ledger.models import Issue
from ledger.queries import Snapshot, snapshot

NodeArgument = typer.Argument(help="The node's key, as `shipline show RUN --json` lists it.")
Node = Annotated[str | None, NodeArgument]


def approve(
    run_id: RunId,
    node: Node = None,
    merge: Annotated[bool, typer.Option("--merge", help="The epic's merge, whatever else waits.")] = False,
    head: Annotated[str | None, typer.Option(help="The commit you looked at; refused when it moved since.")] = None,
    json: Json = False,
) -> None:
    """Let a plan that waits be carried out, or a merge that waits happen (of NODE, where several do).

    `shipline show RUN` shows the plan, `shipline gates RUN` what a merge waits for; `shipline cancel RUN` gives it up.
    """
    from tasks.approving import approve as let_pass

    say_resumed(
        now_done(
            lambda: let_pass(run_id, by=whoami(), via="the command line", node=node, head=head, merge=merge)
        ),
        json,
    )  # fmt: skip


def gates(run_id: RunId, node: Node = None, json: Json = False) -> None:
    """Show what must hold before a merge, each gate with its evidence: of NODE, or of all that have not merged."""
    seen = asyncio.run(_look(run_id))
    wanted = [seen.tree[node]] if node else [each for each in seen.tree.issues if not each.merged_sha]
    if json:
        say_json([_public(seen, each) for each in wanted])
        return
    for each in wanted:
        _print(seen, each)
    if not wanted:
        out.print("Everything of this run is merged.")


def _print(seen: Snapshot, issue: Issue) -> None:
    pull = f"#{issue.pr_number} into {issue.base}" if issue.pr_number else "no pull request yet"
    out.print(f"{issue.key}: {issue.title} ({pull})", markup=False, soft_wrap=True)
    found = gates_of(seen, issue)
    for each in found:
        out.print(f"  {each.standing:<11} {each.name}: {each.evidence}", markup=False, soft_wrap=True)
    said = f"Merged as {issue.merged_sha[:7]}." if issue.merged_sha else why_not(found)
    out.print(f"  {said}", markup=False, soft_wrap=True)


def _public(seen: Snapshot, issue: Issue) -> dict[str, Any]:
    def row(each: Gate) -> dict[str, str]:
        return {"name": each.name, "state": each.state.value, "evidence": each.evidence}

    return {"node": issue.key, "pull": issue.pr_number, "gates": [row(each) for each in gates_of(seen, issue)]}


async def _look(run_id: str) -> Snapshot:
    async with open_ledger() as store:
        return await snapshot(store, run_id)
