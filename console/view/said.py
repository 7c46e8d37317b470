"""What agents said last in a run, and what the run has made."""

from __future__ import annotations

from collections.abc import Sequence

from console.view.evidence import checks
from console.view.inert import first_line
from console.view.words import money, name
from ledger.models import AgentRun, CheckReport, Deployment
from ledger.queries import Snapshot


def last_words(snapshot: Snapshot, found: Sequence[AgentRun]) -> list[dict[str, str]]:
    """One row a request, in the order of ``found``."""
    return [
        {
            "Agent": each.agent_id,
            "About": name(snapshot.tree[each.node_key]) if each.node_key in snapshot.tree else "the run",
            "Status": each.status.value,
            "Said": first_line(_said(each), 300),
            "Tokens": f"{each.usage.input_tokens + each.usage.output_tokens:,}",
            "Cost": money(each.usage.usd),
        }
        for each in found
    ]


def _said(each: AgentRun) -> str:
    return (each.output.changeset_summary or each.output.notes if each.output else "") or each.error or ""


def made(
    snapshot: Snapshot, found: Sequence[AgentRun], deployment: Deployment | None, reports: Sequence[CheckReport] = ()
) -> list[dict[str, str]]:
    """The release, the deployment, what QA says of the whole, and what agents left."""
    rows = []
    if release := snapshot.run.release:
        rows.append({"What": "Release", "Name": release.tag, "Where": release.url})
    if deployment is not None:
        where = deployment.url or deployment.target
        rows.append({"What": "Deployment", "Name": f"v{deployment.version} ({deployment.status})", "Where": where})
    rows += [
        {"What": "QA report", "Name": each["Check"], "Where": " · ".join(filter(None, (
            each["Verdict"], each["Said"], each["Figures"]
        )))}
        for each in checks(reports)
    ]  # fmt: skip
    left = [(each.agent_id, artifact) for each in found for artifact in each.artifacts_out]
    return rows + [{"What": "Artifact", "Name": artifact, "Where": f"from {agent}"} for agent, artifact in left]
