"""The smaller pages: deployments and the agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.view.words import ago
from ledger.models import Agent, Deployment


def deployments(found: Sequence[Deployment], at: datetime) -> list[dict[str, str]]:
    """Versions by environment, newest first."""
    return [
        {
            "Environment": each.environment, "Repository": each.repo, "Version": each.version,
            "Status": each.status.value, "Where": each.url or each.target, "When": ago(each.created_at, at),
            "Run": each.run_id, "Said": each.detail,
        }
        for each in found
    ]  # fmt: skip


def agents(found: Sequence[Agent]) -> list[dict[str, str]]:
    """The twelve, with what they are for."""
    return [
        {
            "Agent": each.name, "Role": each.role, "Thinks with": each.engine.value,
            "On": "on" if each.enabled else "off", "Goals": "; ".join(each.goals),
            "Constraints": "; ".join(each.constraints),
        }
        for each in sorted(found, key=lambda each: each.name)
    ]  # fmt: skip
