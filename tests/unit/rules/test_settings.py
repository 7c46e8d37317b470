"""Which level's value holds, where it is said to come from, and what an old document is read as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.models import Budget, DeploymentStrategy, EffectiveSettings, Executor, Source, UserSettings
from ledger.rules.settings import FIELDS, deploys_by_itself, resolve, told

OTHER: dict[str, Any] = {
    "deployment_strategy": DeploymentStrategy.MANUAL, "deployment_target": "docker", "deployment_env": "staging",
    "auto_merge_regression": False, "require_approval": True, "coverage_percent": 55.5, "max_rounds": 7,
    "executor": Executor.ACTIONS, "approve_every_merge": True, "recheck_integration": True,
    "licences_allow": "MPL-2.0", "licences_deny": "BSL-1.1", "licences_ask": "LGPL-*",
}  # fmt: skip


def test_every_setting_is_tried() -> None:
    assert set(OTHER) == set(FIELDS)
    assert set(FIELDS) < set(UserSettings.model_fields)


@pytest.mark.parametrize("name", FIELDS)
def test_the_project_goes_before_the_user_and_the_user_before_the_default(name: str) -> None:
    default = getattr(EffectiveSettings(), name)
    unset, own = UserSettings(id="p"), UserSettings(id="p", **{name: default})
    user = UserSettings(id="user", **{name: OTHER[name]})
    for project, behind, value, source in (
        (None, None, default, Source.DEFAULT),
        (unset, UserSettings(id="user"), default, Source.DEFAULT),
        (unset, user, user_value(user, name), Source.USER),
        (own, user, default, Source.PROJECT),  # the same as the default, and yet said
        (own, None, default, Source.PROJECT),
    ):
        found = resolve(project, behind)
        assert (getattr(found, name), found.sources[name]) == (value, source)


def user_value(user: UserSettings, name: str) -> object:
    """As the level has it."""
    return getattr(user, name)


def test_each_limit_of_the_budget_is_decided_on_its_own() -> None:
    project, user = UserSettings(id="p", budget=Budget(usd=5)), UserSettings(id="u", budget=Budget(usd=9, tokens=100))
    found = resolve(project, user)
    assert found.budget == Budget(usd=5, tokens=100)
    assert [found.sources[f"budget.{kind}"] for kind in ("usd", "tokens", "minutes")] == ["project", "user", "default"]


def test_a_value_is_told_with_its_level() -> None:
    found = resolve(None, UserSettings(id="user", deployment_strategy=DeploymentStrategy.MANUAL))
    assert not deploys_by_itself(found)
    assert told(found, "deployment_strategy") == "manual (from: user)"
    assert deploys_by_itself(resolve(None, None))


def test_of_an_old_document_only_what_a_person_changed_is_set() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    old = {
        "_id": "p", "projectId": "p", "created_at": at, "updated_at": at, "deploymentStrategy": "process",
        "deploymentEnv": "local", "autoMergeRegression": True, "requireApproval": False, "coveragePercent": 80.0,
        "maxRounds": 5, "executor": "worker", "budget": {"usd": 2.0, "tokens": None, "minutes": None},
        "history": [{"by": "ann", "at": at, "changes": {"coverage_percent": ["90.0", "80.0"]}}],
    }  # fmt: skip
    read = UserSettings.from_mongo(old)
    set_there = {name for name in FIELDS if getattr(read, name) is not None}
    assert set_there == {"coverage_percent", "max_rounds"}
    assert (read.coverage_percent, read.max_rounds, read.budget.usd, read.layered) == (80, 5, 2, True)
    kept = read.to_mongo()
    assert UserSettings.from_mongo(kept) == read
