"""Workflow runs, artifacts, deployments, checks and rules, read with GitHub's own models."""

from __future__ import annotations

import pytest

from tests.integration.sandbox.support import Repo, read, refused


async def test_a_deployment_and_what_became_of_it(repo: Repo) -> None:
    head = await repo.head()
    data = {"ref": "main", "environment": "staging", "auto_merge": False, "required_contexts": []}
    made = await read(repo.rest.repos.async_create_deployment(**repo.at, data=data))
    assert (made.sha, made.environment) == (head, "staging")
    status = {"state": "success", "environment_url": "https://staging.example.com"}
    await read(repo.rest.repos.async_create_deployment_status(**repo.at, deployment_id=made.id, data=status))
    (told,) = await read(repo.rest.repos.async_list_deployment_statuses(**repo.at, deployment_id=made.id))
    assert (told.state, told.environment_url) == ("success", "https://staging.example.com")
    (listed,) = await read(repo.rest.repos.async_list_deployments(**repo.at, environment="staging"))
    assert listed.id == made.id
    assert await read(repo.rest.repos.async_list_deployments(**repo.at, environment="production")) == []
    found = await read(repo.rest.repos.async_get_all_environments(**repo.at))
    assert [each.name for each in found.environments] == ["staging"]


async def test_a_deployment_without_a_ref_or_against_red_checks_is_refused(repo: Repo) -> None:
    status, body = await refused(repo.rest.repos.async_create_deployment(**repo.at, data={"ref": "nowhere"}))
    assert (status, body["message"]) == (422, "No ref found for: nowhere")
    head = await repo.head()
    await repo.rest.repos.async_create_commit_status(**repo.at, sha=head, data={"state": "failure"})
    status, body = await refused(repo.rest.repos.async_create_deployment(**repo.at, data={"ref": "main"}))
    assert status == 409


async def test_checks_and_statuses_are_told_newest_first(repo: Repo) -> None:
    head = await repo.head()
    made = await read(
        repo.rest.checks.async_create(**repo.at, data={"name": "build", "head_sha": head, "status": "in_progress"})
    )
    await read(
        repo.rest.checks.async_update(
            **repo.at, check_run_id=made.id, data={"status": "completed", "conclusion": "success"}
        )
    )
    await read(repo.rest.checks.async_create(**repo.at, data={"name": "build", "head_sha": head, "status": "queued"}))
    newest = await read(repo.rest.checks.async_list_for_ref(**repo.at, ref="main"))
    assert [(each.name, each.status) for each in newest.check_runs] == [("build", "queued")]
    every = await read(repo.rest.checks.async_list_for_ref(**repo.at, ref="main", filter_="all"))
    assert every.total_count == 2
    for state in ("failure", "success"):
        data = {"state": state, "context": "ci"}
        await repo.rest.repos.async_create_commit_status(**repo.at, sha=head, data=data)
    whole = await read(repo.rest.repos.async_get_combined_status_for_ref(**repo.at, ref=head))
    assert (whole.state, [each.state for each in whole.statuses]) == ("success", ["success"])


@pytest.mark.parametrize(
    ("include", "exclude", "about"),
    [(["~ALL"], [], True), (["~DEFAULT_BRANCH"], [], True), (["refs/heads/ma*"], [], True),
     (["refs/heads/release/*"], [], False), (["~ALL"], ["refs/heads/main"], False)],
)  # fmt: skip
async def test_rules_hold_for_the_branches_that_they_name(
    repo: Repo, include: list[str], exclude: list[str], about: bool
) -> None:
    rule = {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}]}}
    made = await repo.raw("POST", "/rulesets", json={
        "name": "r", "enforcement": "active", "rules": [rule],
        "conditions": {"ref_name": {"include": include, "exclude": exclude}},
    })  # fmt: skip
    assert made.status_code == 201, made.text
    found = (await repo.raw("GET", "/rules/branches/main")).json()
    assert [each["type"] for each in found] == (["required_status_checks"] if about else [])


async def test_where_workflows_do_not_run_there_are_none(repo: Repo) -> None:
    runs = await read(repo.rest.actions.async_list_workflow_runs_for_repo(**repo.at))
    assert (runs.total_count, runs.workflow_runs) == (0, [])
    listed = await read(repo.rest.actions.async_list_artifacts_for_repo(**repo.at))
    assert listed.artifacts == []
    status, _ = await refused(repo.rest.actions.async_cancel_workflow_run(**repo.at, run_id=1))
    assert status == 404


async def test_a_variable_is_there_once(repo: Repo) -> None:
    data = {"name": "SHIPLINE_URL", "value": "https://x"}
    assert (await repo.rest.actions.async_create_repo_variable(**repo.at, data=data)).status_code == 201
    status, _ = await refused(repo.rest.actions.async_create_repo_variable(**repo.at, data=data))
    assert status == 409
