"""What stands between a node and its merge, and a person's word that lets a plan or a merge pass."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from gateway.access import Looker, Passer
from gateway.routes.nodes import key_of
from gateway.shapes import NodeId, RunId, Said
from ledger.issues import read_tree
from ledger.models import Gate, Model, Run
from ledger.rules.gates import gates
from tasks.approving import approve

router = APIRouter(prefix="/api/runs/{runId}", tags=["Ideas and runs"])


class ApproveIn(Model):
    """What is approved: the plan, or the one merge that waits; with ``node`` that node's merge, at ``head``.

    ``node`` is a key, or issue-NUMBER; ``head`` the commit that was looked at.
    """

    node: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,80}$")
    head: str | None = Field(default=None, pattern=r"^[0-9a-f]{7,40}$")


class GatesOut(Model):
    """What must hold before a node merges; ``head`` is the commit that would."""

    run_id: str
    node_id: str
    pr_number: int | None
    head: str | None
    gates: list[Gate]


@router.post("/approve")
async def let_pass(runId: RunId, request: Request, who: Passer, body: ApproveIn | None = None) -> Said:
    """Let a plan be carried out, or a merge happen; another head than the one that was looked at is refused."""
    wanted = body or ApproveIn()
    node = await key_of(request.app.state.store, runId, wanted.node) if wanted.node else None
    done = await approve(runId, by=who.name, via="the API", node=node, head=wanted.head)
    return Said(run_id=runId, said=done.said)


@router.get("/gates/{nodeId}")
async def of_node(runId: RunId, nodeId: NodeId, request: Request, _: Looker) -> GatesOut:
    """Each gate of a node's merge with its evidence."""
    store = request.app.state.store
    await store.get(Run, runId)
    tree = await read_tree(store, runId)
    issue = tree[await key_of(store, runId, nodeId)]
    return GatesOut(
        run_id=runId, node_id=issue.key, pr_number=issue.pr_number, head=issue.head, gates=gates(tree, issue)
    )
