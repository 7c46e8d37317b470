"""Which level's value holds: the project's, else the user's, else the default. Pure."""

from __future__ import annotations

from typing import Any

from ledger.models import Budget, DeploymentStrategy, EffectiveSettings, Source, UserSettings

FIELDS = tuple(name for name in EffectiveSettings.model_fields if name not in ("budget", "sources", "history"))
LIMITS = tuple(Budget.model_fields)


def resolve(project: UserSettings | None, user: UserSettings | None) -> EffectiveSettings:
    """Every value with where it comes from; each limit of the budget is decided on its own."""
    levels = [(source, level) for source, level in ((Source.PROJECT, project), (Source.USER, user)) if level]
    values: dict[str, Any] = {}
    budget: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for name in FIELDS:
        sources[name] = _take(values, name, [(source, getattr(level, name)) for source, level in levels])
    for name in LIMITS:
        found = [(source, getattr(level.budget, name)) for source, level in levels]
        sources[f"budget.{name}"] = _take(budget, name, found)
    return EffectiveSettings(**values, budget=Budget(**budget), sources=sources)


def deploys_by_itself(settings: EffectiveSettings) -> bool:
    """Whether a release is deployed as soon as it is out."""
    return settings.deployment_strategy is DeploymentStrategy.ON_RELEASE


def told(settings: EffectiveSettings, name: str) -> str:
    """A setting as it acts, in words: ``manual (from: user)``."""
    return f"{getattr(settings, name)} (from: {settings.sources.get(name, Source.DEFAULT)})"


def _take(into: dict[str, Any], name: str, found: list[tuple[Source, Any]]) -> Source:
    for source, value in found:
        if value is not None:
            into[name] = value
            return source
    return Source.DEFAULT
