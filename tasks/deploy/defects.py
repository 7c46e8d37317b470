"""A deployment that failed is a defect under the epic, until one succeeds."""

from __future__ import annotations

from ledger.issues import set_status
from ledger.models import DefectOrigin, Finding, IssueStatus, Severity
from ledger.rules.tree import is_open
from tasks.deploy.ports import DeployFailed
from tasks.state import get_run, get_settings, get_tree, here

CHECK = "deployment"


async def defect_of(run_id: str, words: str) -> list[tuple[str, Finding]]:
    """The finding that a failed deployment is, in its ``words``, and the node it belongs to."""
    run, root = await get_run(run_id), (await get_tree(run_id)).root.key
    tag, environment = run.release.tag if run.release else "The release", (await get_settings(run)).deployment_env
    finding = Finding(
        check=CHECK, severity=Severity.CRITICAL, title=f"{tag} does not run in {environment}", evidence=words,
        fingerprint=f"{CHECK}-{environment}",
    )  # fmt: skip
    return [(root, finding)]


async def failure(run_id: str, words: str) -> DeployFailed:
    """What to raise, with the number of the defect."""
    numbers = [f"#{each.number}" for each in (await get_tree(run_id)).issues if _about(each.origin) and is_open(each)]
    filed = f" Defect {', '.join(numbers)} is filed." if numbers else ""
    return DeployFailed(f"{words}{filed}", f"Try it again: shipline resume {run_id}, or shipline deploy {run_id}.")


async def settle_defects(run_id: str) -> list[str]:
    """Call the defects of earlier attempts done, now that one succeeded; their keys."""
    store = (await here(run_id)).ctx.store
    found = [each.key for each in (await get_tree(run_id)).issues if _about(each.origin) and is_open(each)]
    for key in found:
        await set_status(store, run_id, key, IssueStatus.DONE)
    return found


def _about(origin: DefectOrigin | None) -> bool:
    return origin is not None and origin.check == CHECK
