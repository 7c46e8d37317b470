"""Sub-issues and dependencies: named by id, never by number."""

from __future__ import annotations

from typing import Any

from tests.integration.sandbox.support import Repo, read, refused


async def _children(repo: Repo, number: int) -> list[int]:
    return [one.number for one in await read(repo.rest.issues.async_list_sub_issues(**repo.at, issue_number=number))]


async def test_sub_issues(repo: Repo) -> None:
    issues = repo.rest.issues
    parent = await repo.issue("Epic")
    born = await repo.issue("Born a child", parent_issue_id=parent.id)
    other = await repo.issue("Adopted")
    assert born.parent_issue_url == f"{repo.url}{repo.api}/issues/1"
    added = await issues.async_add_sub_issue(**repo.at, issue_number=1, sub_issue_id=other.id)
    assert (added.status_code, added.parsed_data.number) == (201, 3)
    assert await _children(repo, 1) == [2, 3]
    assert (await read(issues.async_get_parent(**repo.at, issue_number=3))).number == 1
    data = {"sub_issue_id": other.id, "before_id": born.id}
    await issues.async_reprioritize_sub_issue(**repo.at, issue_number=1, data=data)
    assert await _children(repo, 1) == [3, 2]
    await issues.async_update(**repo.at, issue_number=2, data={"state": "closed"})
    summary = (await read(issues.async_get(**repo.at, issue_number=1))).sub_issues_summary
    assert (summary.total, summary.completed, summary.percent_completed) == (2, 1, 50)
    await issues.async_remove_sub_issue(**repo.at, issue_number=1, sub_issue_id=other.id)
    assert await _children(repo, 1) == [2]
    assert (await refused(issues.async_get_parent(**repo.at, issue_number=3)))[0] == 404


async def test_a_tree_stays_a_tree(repo: Repo) -> None:
    add: Any = repo.rest.issues.async_add_sub_issue
    top = await repo.issue("Top")
    child = await repo.issue("Child", parent_issue_id=top.id)
    other = await repo.issue("Other")
    status, body = await refused(add(**repo.at, issue_number=3, sub_issue_id=child.id))
    assert status == 422
    assert "only have one parent" in body["message"]
    moved = await add(**repo.at, issue_number=3, data={"sub_issue_id": child.id, "replace_parent": True})
    assert moved.status_code == 201
    assert await _children(repo, 1) == []
    assert (await refused(add(**repo.at, issue_number=2, sub_issue_id=other.id)))[0] == 422
    assert (await refused(add(**repo.at, issue_number=2, sub_issue_id=child.id)))[0] == 422
    assert (await refused(add(**repo.at, issue_number=1, sub_issue_id=3)))[0] == 404


async def test_eight_levels_and_no_more(repo: Repo) -> None:
    parent = (await repo.issue("1")).id
    for level in range(2, 9):
        parent = (await repo.issue(str(level), parent_issue_id=parent)).id
    answer = await repo.raw("POST", "/issues", json={"title": "9", "parent_issue_id": parent})
    assert answer.status_code == 422


async def test_dependencies(repo: Repo) -> None:
    issues = repo.rest.issues
    first, _ = await repo.issue("First"), await repo.issue("Second")
    at = {**repo.at, "issue_number": 2}
    added = await issues.async_add_blocked_by_dependency(**at, issue_id=first.id)
    assert (added.status_code, added.parsed_data.issue_dependencies_summary.blocked_by) == (201, 1)
    assert (await refused(issues.async_add_blocked_by_dependency(**at, issue_id=first.id)))[0] == 422
    assert (await refused(issues.async_add_blocked_by_dependency(**at, issue_id=1)))[0] == 404
    assert [one.number for one in await read(issues.async_list_dependencies_blocked_by(**at))] == [1]
    blocking = issues.async_list_dependencies_blocking(**repo.at, issue_number=1)
    assert [one.number for one in await read(blocking)] == [2]
    await issues.async_update(**repo.at, issue_number=1, data={"state": "closed"})
    summary = (await read(issues.async_get(**at))).issue_dependencies_summary
    assert (summary.blocked_by, summary.total_blocked_by) == (0, 1)
    await issues.async_remove_dependency_blocked_by(**at, issue_id=first.id)
    assert await read(issues.async_list_dependencies_blocked_by(**at)) == []
    assert (await refused(issues.async_remove_dependency_blocked_by(**at, issue_id=first.id)))[0] == 404


async def test_a_pull_request_blocks_nothing(repo: Repo) -> None:
    await repo.issue()
    await repo.pull("feature")
    seen = await read(repo.rest.issues.async_get(**repo.at, issue_number=2))
    blocked = repo.rest.issues.async_add_blocked_by_dependency(**repo.at, issue_number=1, issue_id=seen.id)
    status, body = await refused(blocked)
    assert (status, body["message"]) == (422, "Target issue may only be an issue")
