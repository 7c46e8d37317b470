"""Merging: only once, only what was seen, only what fits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.sandbox.support import Repo, read, refused


async def _merge(repo: Repo, number: int, **data: Any) -> Any:
    return await read(repo.rest.pulls.async_merge(**repo.at, pull_number=number, data=data))


async def _refused(repo: Repo, number: int, **data: Any) -> tuple[int, str]:
    status, body = await refused(repo.rest.pulls.async_merge(**repo.at, pull_number=number, data=data))
    return status, body["message"]


async def test_a_merge_commit(repo: Repo) -> None:
    start, made = await repo.head(), await repo.pull("feature")
    assert (await refused(repo.rest.pulls.async_check_if_merged(**repo.at, pull_number=1)))[0] == 404
    merged = await _merge(repo, 1, sha=made.head.sha, merge_method="merge", commit_title="Title", commit_message="Text")
    assert (merged.merged, merged.message) == (True, "Pull Request successfully merged")
    commit = await read(repo.rest.git.async_get_commit(**repo.at, commit_sha=merged.sha))
    assert commit.message == "Title\n\nText"
    assert [one.sha for one in commit.parents] == [start, made.head.sha]
    assert await repo.head() == merged.sha
    seen = await repo.get_pull(1)
    assert (seen.state, seen.merged, seen.merged_by.login, seen.mergeable) == ("closed", True, "operator", None)
    assert (seen.commits, seen.changed_files) == (1, 1)
    assert (await repo.rest.pulls.async_check_if_merged(**repo.at, pull_number=1)).status_code == 204
    assert await _refused(repo, 1) == (405, "Pull Request is not mergeable")
    again = repo.rest.pulls.async_update(**repo.at, pull_number=1, data={"state": "open"})
    assert (await refused(again))[0] == 422
    issue = await read(repo.rest.issues.async_get(**repo.at, issue_number=1))
    assert (issue.state, issue.pull_request.merged_at) == ("closed", seen.merged_at)


async def test_the_default_texts(repo: Repo) -> None:
    await repo.pull("one")
    commit = await read(repo.rest.git.async_get_commit(**repo.at, commit_sha=(await _merge(repo, 1)).sha))
    assert commit.message == "Merge pull request #1 from operator/one\n\nBring one"
    await repo.pull("two")
    squashed = await _merge(repo, 2, merge_method="squash")
    commit = await read(repo.rest.git.async_get_commit(**repo.at, commit_sha=squashed.sha))
    assert (commit.message, len(commit.parents)) == ("Write two.txt (#2)", 1)
    await repo.pull("three")
    await repo.put("three", "more.txt", "more\n")
    squashed = await _merge(repo, 3, merge_method="squash")
    commit = await read(repo.rest.git.async_get_commit(**repo.at, commit_sha=squashed.sha))
    assert commit.message == "Bring three (#3)\n\n* Write three.txt\n\n* Write more.txt"


async def test_rebase(repo: Repo) -> None:
    await repo.pull("feature")
    await repo.put("feature", "more.txt", "more\n")
    base = await repo.put("main", "base.txt", "base\n")
    merged = await _merge(repo, 1, merge_method="rebase")
    listed = await read(repo.rest.repos.async_list_commits(**repo.at, per_page=3))
    assert [one.commit.message for one in listed] == ["Write more.txt", "Write feature.txt", "Write base.txt"]
    assert [len(one.parents) for one in listed] == [1, 1, 1]
    assert (listed[0].sha, listed[2].sha) == (merged.sha, base)
    assert (await repo.get_pull(1)).merged is True


async def test_only_the_head_that_was_seen(repo: Repo) -> None:
    made = await repo.pull("feature")
    await repo.put("feature", "more.txt", "more\n")
    said = await _refused(repo, 1, sha=made.head.sha)
    assert said == (409, "Head branch was modified. Review and try the merge again.")
    assert (await repo.get_pull(1)).state == "open"


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_a_conflict_is_not_mergeable(repo: Repo, method: str) -> None:
    await repo.branch("one")
    await repo.put("one", "same.txt", "one\n")
    start = await repo.put("main", "same.txt", "main\n")
    made = await repo.open_pull("one")
    assert (made.mergeable, made.mergeable_state) == (False, "dirty")
    assert await _refused(repo, 1, merge_method=method) == (405, "Pull Request is not mergeable")
    assert await repo.head() == start
    update = repo.rest.pulls.async_update_branch(**repo.at, pull_number=1)
    assert (await refused(update))[0] == 422


async def test_drafts_and_closed_ones_are_not_merged(repo: Repo) -> None:
    await repo.pull("one", draft=True)
    assert await _refused(repo, 1) == (405, "Pull Request is still a draft")
    await repo.pull("two")
    await repo.rest.pulls.async_update(**repo.at, pull_number=2, data={"state": "closed"})
    assert (await _refused(repo, 2))[0] == 405


async def test_update_branch(repo: Repo) -> None:
    made = await repo.pull("feature")
    update = repo.rest.pulls.async_update_branch
    status, body = await refused(update(**repo.at, pull_number=1))
    assert (status, body["message"]) == (422, "There are no new commits on the base branch.")
    tip = await repo.put("main", "base.txt", "base\n")
    stale = {"expected_head_sha": tip}
    assert (await refused(update(**repo.at, pull_number=1, data=stale)))[0] == 422
    answer = await update(**repo.at, pull_number=1, data={"expected_head_sha": made.head.sha})
    assert (answer.status_code, answer.parsed_data.message) == (202, "Updating pull request branch.")
    seen = await repo.get_pull(1)
    commit = await read(repo.rest.git.async_get_commit(**repo.at, commit_sha=seen.head.sha))
    assert [one.sha for one in commit.parents] == [made.head.sha, tip]


async def test_delete_branch_on_merge_and_what_stands_on_it(repo: Repo) -> None:
    await repo.rest.repos.async_update(**repo.at, data={"delete_branch_on_merge": True})
    await repo.pull("below")
    await repo.pull("above", "below")
    await _merge(repo, 1)
    assert (await refused(repo.rest.git.async_get_ref(**repo.at, ref="heads/below")))[0] == 404
    above = await repo.get_pull(2)
    assert (above.state, above.base.ref) == ("open", "main")


async def test_what_a_push_to_the_base_brings_counts_as_merged(repo: Repo) -> None:
    made = await repo.pull("feature")
    await repo.rest.git.async_update_ref(**repo.at, ref="heads/main", sha=made.head.sha)
    seen = await repo.get_pull(1)
    assert (seen.state, seen.merged) == ("closed", True)


async def test_newer_ways_to_merge_are_not_here(repo: Repo) -> None:
    await repo.pull("feature")
    assert (await repo.raw("PUT", "/pulls/1/merge-async", json={})).status_code == 404
    assert (await repo.raw("GET", "/stacks")).status_code == 404
