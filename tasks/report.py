"""What Prefect's UI shows besides runs: the plan, the progress, the release. For people who only know Prefect."""

from __future__ import annotations

import logging
from uuid import UUID

from prefect.artifacts import (
    Artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext

from ledger.models import Issue, IssueStatus, ReleaseInfo
from ledger.rules.tree import Tree
from tasks.state import get_tree, here

log = logging.getLogger(__name__)

_progress: dict[str, tuple[UUID, float]] = {}


async def tag_flow_run(run_id: str) -> None:
    """Tag the present flow run with our name, the run and the repository, so that Prefect's filters find it."""
    at = await here(run_id)
    now = FlowRunContext.get()
    if now is not None and now.flow_run is not None:
        async with get_client() as client:
            await client.update_flow_run(now.flow_run.id, tags={"shipline", run_id, at.run.repo})


async def show_plan(run_id: str) -> None:
    """The tree as a table, and a link to the epic."""
    at = await here(run_id)
    tree = await get_tree(run_id)
    rows = [_row(issue) for issue in tree.issues]
    await acreate_table_artifact(rows, key=f"plan-{run_id}", description=f"The issue tree of {run_id}")
    about = await at.repo.about()
    await acreate_link_artifact(
        f"{about.html_url}/issues/{tree.root.number}", link_text=f"Epic #{tree.root.number}", key=f"epic-{run_id}"
    )


async def show_progress(run_id: str, tree: Tree) -> None:
    """How much of the tree is done, as a progress artifact that moves."""
    done = sum(issue.status is IssueStatus.DONE for issue in tree.issues)
    percent = round(100 * done / max(1, len(tree.issues)), 1)
    known = _progress.get(run_id)
    if known is None:
        earlier = await Artifact.aget(key=f"progress-{run_id}")  # another worker's, or an earlier flow run's
        if earlier is not None and earlier.id is not None:
            known = _progress[run_id] = (earlier.id, -1.0)
    if known is None:
        made = await acreate_progress_artifact(
            percent, key=f"progress-{run_id}", description=f"Issues done of {run_id}"
        )
        if isinstance(made, UUID):
            _progress[run_id] = (made, percent)
    elif known[1] != percent:
        await aupdate_progress_artifact(known[0], progress=percent)
        _progress[run_id] = (known[0], percent)


async def show_release(run_id: str, release: ReleaseInfo, words: str) -> None:
    """The release and where it runs, or why it does not."""
    text = f"# {release.tag}\n\n{words}\n\n{release.url}\n"
    await acreate_markdown_artifact(text, key=f"release-{run_id}", description=f"The release of {run_id}")


def _row(issue: Issue) -> dict[str, str]:
    return {
        "issue": f"#{issue.number}",
        "type": issue.type.value,
        "title": issue.title,
        "under": issue.parent or "",
        "order": str(issue.order_index),
        "waits for": ", ".join(issue.dependencies),
    }
