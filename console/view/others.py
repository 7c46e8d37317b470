"""The smaller pages: deployments, the agents, and what they read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from semver import Version

from console.view.words import ago
from ledger.models import Agent, Deployment, DeploymentStatus, OnboardingDoc


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


def may_go_back(found: Sequence[Deployment], at: Deployment) -> list[str]:
    """The versions that a rollback can bring, the newest first; none when nothing runs there, or nothing is older."""
    there = [each for each in found if (each.repo, each.environment) == (at.repo, at.environment)]
    runs = [Version.parse(each.version) for each in there if each.status is DeploymentStatus.HEALTHY]
    ran = {Version.parse(each.version) for each in there if each.status is not DeploymentStatus.FAILED}
    return [str(version) for version in sorted(ran, reverse=True) if runs and version < max(runs)]


def versions(document: OnboardingDoc, at: datetime) -> list[dict[str, str]]:
    """The versions before, the newest first."""
    return [
        {
            "Version": str(each.version), "Who": each.by or "shipped", "When": ago(each.at, at),
            "Begins": each.text.strip()[:120],
        }
        for each in reversed(document.earlier)
    ]  # fmt: skip
