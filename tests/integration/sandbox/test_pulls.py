"""Pull requests before they are merged, and their reviews."""

from __future__ import annotations

from typing import Any

from githubkit import GitHub

from tests.integration.sandbox.support import Repo, read, refused


async def test_a_pull_request(repo: Repo) -> None:
    made = await repo.pull("feature/1-a", text="one\ntwo\n")
    assert (made.number, made.state, made.draft, made.merged) == (1, "open", False, False)
    assert (made.head.ref, made.head.label, made.base.ref) == ("feature/1-a", "operator:feature/1-a", "main")
    assert (made.mergeable, made.mergeable_state) == (True, "clean")
    assert (made.commits, made.changed_files, made.additions, made.deletions) == (1, 1, 2, 0)
    assert made.head.sha == await repo.head("feature/1-a")
    (file,) = await read(repo.rest.pulls.async_list_files(**repo.at, pull_number=1))
    assert (file.filename, file.status, file.additions) == ("feature/1-a.txt", "added", 2)
    (commit,) = await read(repo.rest.pulls.async_list_commits(**repo.at, pull_number=1))
    assert commit.sha == made.head.sha
    data = {"title": "Renamed", "body": "Changed", "state": "closed"}
    changed = await read(repo.rest.pulls.async_update(**repo.at, pull_number=1, data=data))
    assert (changed.title, changed.body, changed.state, changed.merged) == ("Renamed", "Changed", "closed", False)
    opened = await read(repo.rest.pulls.async_update(**repo.at, pull_number=1, data={"state": "open"}))
    assert (opened.state, opened.closed_at) == ("open", None)


async def test_refused_pull_requests(repo: Repo) -> None:
    await repo.pull("taken")
    await repo.branch("same")

    async def said(head: str, base: str = "main") -> list[dict[str, Any]]:
        data = {"title": "x", "head": head, "base": base}
        status, body = await refused(repo.rest.pulls.async_create(**repo.at, data=data))
        assert (status, body["message"]) == (422, "Validation Failed")
        return list(body["errors"])

    assert (await said("taken"))[0]["message"] == "A pull request already exists for operator:taken."
    assert (await said("same"))[0]["message"] == "No commits between main and same"
    assert [(one["field"], one["code"]) for one in await said("absent")] == [("head", "invalid")]
    assert [(one["field"], one["code"]) for one in await said("taken", "absent")] == [("base", "invalid")]
    assert [one["field"] for one in await said("somebody:taken")] == ["head"]
    answer = await repo.raw("POST", "/pulls", json={"head": "taken", "base": "main"})
    assert answer.json()["errors"][0]["code"] == "missing_field"
    assert (await repo.issue()).number == 2


async def test_pull_requests_are_found(repo: Repo) -> None:
    await repo.pull("one")
    await repo.pull("two", "one")
    await repo.rest.pulls.async_update(**repo.at, pull_number=1, data={"state": "closed"})

    async def listed(**query: str) -> list[int]:
        return [one.number for one in await read(repo.rest.pulls.async_list(**repo.at, **query))]

    assert await listed() == [2]
    assert await listed(state="all") == [2, 1]
    assert await listed(state="all", sort="created", direction="asc") == [1, 2]
    assert await listed(state="all", head="operator:one", base="main") == [1]
    assert await listed(state="all", head="OPERATOR:two", base="main") == []
    assert await listed(state="closed") == [1]
    assert await listed(head="other:two") == []


async def test_the_head_moves_with_its_branch(repo: Repo) -> None:
    made = await repo.pull("feature")
    new = await repo.put("feature", "more.txt", "more\n")
    seen = await repo.get_pull(made.number)
    assert (seen.head.sha, seen.commits) == (new, 2)
    tip = await repo.put("main", "base.txt", "base\n")
    seen = await repo.get_pull(made.number)
    assert (seen.base.sha, seen.changed_files, seen.mergeable) == (tip, 2, True)


async def test_another_base(repo: Repo) -> None:
    await repo.pull("below")
    upper = await repo.pull("above", "below")
    update = repo.rest.pulls.async_update
    moved = await read(update(**repo.at, pull_number=upper.number, data={"base": "main"}))
    assert (moved.base.ref, moved.commits) == ("main", 2)
    assert (await refused(update(**repo.at, pull_number=upper.number, data={"base": "absent"})))[0] == 422
    assert (await refused(update(**repo.at, pull_number=upper.number, data={"base": "above"})))[0] == 422


async def test_a_deleted_branch_closes_its_pull_request(repo: Repo) -> None:
    made = await repo.pull("feature")
    await repo.rest.git.async_delete_ref(**repo.at, ref="heads/feature")
    seen = await repo.get_pull(made.number)
    assert (seen.state, seen.merged, seen.head.sha) == ("closed", False, made.head.sha)
    again = repo.rest.pulls.async_update(**repo.at, pull_number=made.number, data={"state": "open"})
    assert (await refused(again))[0] == 422


async def test_reviews(repo: Repo, reviewer: GitHub[Any]) -> None:
    made, api = await repo.pull("feature"), repo.rest.pulls
    at = {**repo.at, "pull_number": made.number}
    for event, words in (("APPROVE", "approve"), ("REQUEST_CHANGES", "request changes on")):
        status, body = await refused(api.async_create_review(**at, data={"event": event, "body": "x"}))
        assert (status, body["errors"]) == (422, [f"Can not {words} your own pull request"])
    remark = {"path": "feature.txt", "line": 1, "body": "Why?"}
    data = {"event": "COMMENT", "body": "Seen", "commit_id": made.head.sha, "comments": [remark]}
    seen = await read(api.async_create_review(**at, data=data))
    assert (seen.state, seen.body, seen.commit_id) == ("COMMENTED", "Seen", made.head.sha)
    (one,) = await read(api.async_list_review_comments(**at))
    assert (one.body, one.line, one.pull_request_review_id) == ("Why?", 1, seen.id)
    assert one.diff_hunk == "@@ -0,0 +1 @@\n+text"
    theirs: Any = reviewer.rest.pulls
    approved = await read(theirs.async_create_review(**at, data={"event": "APPROVE"}))
    assert (approved.state, approved.user.login) == ("APPROVED", "reviewer")
    assert [one.state for one in await read(api.async_list_reviews(**at))] == ["COMMENTED", "APPROVED"]
    assert (await read(api.async_get_review(**at, review_id=approved.id))).state == "APPROVED"
    dismissed = await read(api.async_dismiss_review(**at, review_id=approved.id, message="no"))
    assert dismissed.state == "DISMISSED"
    assert (await refused(api.async_create_review(**at, data={"event": "COMMENT"})))[0] == 422
    pending = await read(theirs.async_create_review(**at))
    assert pending.state == "PENDING"
    submitted = await read(theirs.async_submit_review(**at, review_id=pending.id, event="REQUEST_CHANGES", body="Fix"))
    assert submitted.state == "CHANGES_REQUESTED"
    assert (await refused(api.async_get_review(**at, review_id=1)))[0] == 404


async def test_remarks_on_lines(repo: Repo) -> None:
    made, api = await repo.pull("feature", text="one\ntwo\n"), repo.rest.pulls
    at = {**repo.at, "pull_number": made.number}
    data = {"body": "Here", "commit_id": made.head.sha, "path": "feature.txt", "line": 2, "side": "RIGHT"}
    first = await read(api.async_create_review_comment(**at, data=data))
    assert (first.line, first.path) == (2, "feature.txt")
    answer = await read(api.async_create_reply_for_review_comment(**at, comment_id=first.id, body="There"))
    assert (answer.in_reply_to_id, answer.body, answer.path) == (first.id, "There", "feature.txt")
    assert len(await read(api.async_list_review_comments(**at))) == 2
    changed = await read(api.async_update_review_comment(**repo.at, comment_id=first.id, body="Anew"))
    assert changed.body == "Anew"
    await api.async_delete_review_comment(**repo.at, comment_id=first.id)
    assert (await refused(api.async_get_review_comment(**repo.at, comment_id=first.id)))[0] == 404
    outside = data | {"path": "absent.txt"}
    assert (await refused(api.async_create_review_comment(**at, data=outside)))[0] == 422
