"""Merges that a person let happen: each word is kept for ever, and counts for one head."""

from __future__ import annotations

from ledger.models import Approval, Approved
from ledger.store import Store
from shipline.ids import digest


async def record_approval(
    store: Store, run_id: str, node: str, head: str, *, by: str, via: str, withdrawn: bool = False
) -> bool:
    """Write down that ``by`` lets the node merge at ``head`` (or no longer); False when that is known already."""
    said = digest(by, via, "withdrawn" if withdrawn else "")
    approval = Approval(
        id=f"{run_id}/{node}/{head[:12]}/{said}", by=by, via=via, run_id=run_id, node=node, head=head,
        withdrawn=withdrawn,
    )  # fmt: skip
    return await store.insert(approval)


async def approvals_of(store: Store, run_id: str, node: str) -> list[Approved]:
    """Who lets the node merge, on which heads; what was taken back is left out."""
    found = await store.find(Approval, {"runId": run_id, "node": node}, [("created_at", 1)])
    gone = {(each.by, each.via, each.head) for each in found if each.withdrawn}
    return [
        Approved(by=each.by, via=each.via, head=str(each.head), at=each.created_at)
        for each in found
        if (each.by, each.via, each.head) not in gone
    ]
