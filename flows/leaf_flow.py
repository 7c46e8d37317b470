"""``leaf``: one step of one node as a flow of its own, for a work pool. The ledger holds what comes of it."""

from __future__ import annotations

from typing import Literal

from prefect import flow

from flows.work import work
from ledger.rules.steps import Step
from shipline.errors import Interrupted


@flow(name="leaf", flow_run_name="{kind} {key} of {run_id}", persist_result=False)
async def leaf(run_id: str, key: str, kind: Literal["build", "land"]) -> None:
    """Do one step of a node. A failure is the node's, in the ledger; a person's interrupt simply ends the flow."""
    try:
        await work(run_id, Step(kind, key))
    except Interrupted:
        return  # the loop that handed the step out reads the same word
