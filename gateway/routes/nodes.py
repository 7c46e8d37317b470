"""A node as a path names it: by its key, or by ``issue-NUMBER`` as the notes' examples do."""

from __future__ import annotations

import re

from ledger.models import Issue
from ledger.store import Store
from shipline.errors import NotFound

_NUMBERED = re.compile(r"^issue-([0-9]{1,9})$")


async def key_of(store: Store, run_id: str, node_id: str) -> str:
    """The key in the run's tree; NotFound when no node is called so."""
    found = await store.find_one(Issue, {"runId": run_id, "key": node_id})
    if found is None and (numbered := _NUMBERED.match(node_id)):
        found = await store.find_one(Issue, {"runId": run_id, "number": int(numbered[1])})
    if found is None:
        raise NotFound(f"{run_id} has no node {node_id}.")
    return found.key
