"""What a node's change is held to: its agent's constraints, and what the project's people set."""

from __future__ import annotations

from agents_catalog.catalog import load_agents
from ledger.models import Agent, EffectiveSettings, Issue, IssueType, LicenceLists, Standards
from ledger.rules.constraints import Constraints, read_constraints
from tasks.quality.configuration import words
from tasks.state import Here


async def standards_of(at: Here, issue: Issue, settings: EffectiveSettings) -> Standards:
    """The standards of one node. Its base is where its base branch stands now.

    Of the coverage that the settings and the agent's constraints ask of a change, the higher counts.
    """
    promised = await _constraints(at, issue)
    percents = [settings.coverage_percent, promised.coverage_percent or 0]
    return Standards(
        base=await at.repo.branch_sha(issue.base) if issue.base else None,
        change_percent=max(percents),
        passing=list(promised.passing),
        licences=licence_lists(settings),
    )


def licence_lists(settings: EffectiveSettings) -> LicenceLists:
    """What the project's people said of licences."""
    return LicenceLists(
        allow=words(settings.licences_allow), deny=words(settings.licences_deny), ask=words(settings.licences_ask)
    )


async def _constraints(at: Here, issue: Issue) -> Constraints:
    """Those of the agent that works on the node, as people changed them; none of a node that nobody codes."""
    if issue.type not in (IssueType.TASK, IssueType.DEFECT):
        return Constraints()
    known = await at.ctx.store.find_one(Agent, {"type": issue.agent})
    shipped = next(each for each in load_agents() if each.type == issue.agent)
    return read_constraints((known or shipped).constraints)
