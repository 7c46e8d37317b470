"""The button that lets a merge pass: for the head that is on the page, and no other."""

from __future__ import annotations

from console.view.words import name
from console.web.access import me
from console.web.parts import press, tell
from ledger.models import Issue
from ledger.queries import Snapshot
from ledger.rules.access import Action
from ledger.rules.gates import waits_for_approval


def approve_merges(seen: Snapshot) -> None:
    """A button for each merge that waits for a person."""
    for issue in seen.tree.issues:
        approve_merge(seen.run.id, issue)


def approve_merge(run_id: str, issue: Issue) -> None:
    """The button of one node; nothing when its merge waits for nobody."""
    from tasks.approving import approve

    if not waits_for_approval(issue):
        return
    head = str(issue.awaits)
    what = (
        f"#{issue.pr_number} of {name(issue)} merges into {issue.base} at {head[:7]}; another head is asked for anew."
    )
    looks = {"type": "primary", "icon": ":material/check:", "key": f"approve-{issue.key}-{head[:7]}"}
    if press("Approve the merge", Action.APPROVE, what, **looks):
        tell(
            Action.APPROVE,
            lambda: approve(run_id, by=me(), via="the console", node=issue.key, head=head),
            lambda done: done.said,
        )
