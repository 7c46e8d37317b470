"""Defects: what QA found becomes an issue that blocks every merge above it."""

from __future__ import annotations

from ledger.issues import add_issue, change_issue, get_issue, read_tree
from ledger.models import Finding, Issue, IssueStatus, IssueType, Level, now
from ledger.rules.causes import cause, signature
from ledger.rules.defects import already_filed, make_defect, owner_of
from tasks.state import get_settings, here
from tasks.step import step


@step(name="file-defect", task_run_name="defect under {parent}")
async def file_defect(run_id: str, parent: str, finding: Finding) -> str:
    """Write the defect into the tree, once a cause; returns its key. GitHub is told by ``sync_issue``."""
    at = await here(run_id)
    while True:
        tree = await read_tree(at.ctx.store, run_id)
        filed = already_filed(tree, finding.fingerprint, cause(finding))
        if filed is not None and filed.status is not IssueStatus.DONE:
            return filed.key
        defect = make_defect(tree, parent, finding, at=now())
        if await add_issue(at.ctx.store, defect, f"Defect under {parent}: {finding.title}"):
            break  # else another finding took this key: look again, and take the next
    await change_issue(at.ctx.store, run_id, parent, {"testedHead": None})
    return defect.key


@step(name="another-round", task_run_name="another round of {key}")
async def another_round(run_id: str, key: str, finding: Finding) -> str:
    """Work on a defect again because its fix did not pass; else why not: it had all its rounds, or failed the same way
    twice, and a third time would not be another.
    """
    at = await here(run_id)
    issue = await get_issue(at.ctx.store, run_id, key)
    if issue.round >= (await get_settings(at.run)).max_rounds:
        return f"{finding.title}, after {issue.round} rounds."
    failed_as = signature(finding)
    if issue.failed_as == failed_as:
        return f"{finding.title}: round {issue.round} failed exactly as the one before, so a person should look at it."
    body = f"{issue.body}\n\nRound {issue.round} did not pass: {finding.title}\n\n{finding.evidence}"
    begun = {"$nin": [IssueStatus.NEW, IssueStatus.DONE]}  # else another worker has sent it into this round already
    values = {"body": body, "status": IssueStatus.NEW, "testedHead": None, "failedAs": failed_as}
    await change_issue(
        at.ctx.store, run_id, key, values, add={"round": 1},
        expect={"round": issue.round, "status": begun},
        msg=f"{key} goes into round {issue.round + 1}: {finding.title}", level=Level.WARNING,
    )  # fmt: skip
    return ""


async def owner(run_id: str, path: str | None) -> str:
    """The node that a finding in ``path`` belongs to."""
    at = await here(run_id)
    return owner_of(await read_tree(at.ctx.store, run_id), path)


def is_defect(issue: Issue) -> bool:
    """Whether the node is itself a defect: it is worked on again instead of getting defects of its own."""
    return issue.type is IssueType.DEFECT
