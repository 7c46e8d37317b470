"""Issues, labels and comments."""

from __future__ import annotations

import pytest

from tests.integration.sandbox.support import Repo, bare, read, refused


async def test_an_issue_from_its_birth_to_its_end(repo: Repo) -> None:
    made = await repo.issue("First", body="Text", labels=["shipline", "new"], assignees=["operator"])
    assert (made.number, made.state, made.comments) == (1, "open", 0)
    assert made.id != made.number
    assert {label.name for label in made.labels} == {"shipline", "new"}
    assert [who.login for who in made.assignees] == ["operator"]
    assert (made.sub_issues_summary.total, made.issue_dependencies_summary.blocked_by) == (0, 0)
    data = {"title": "Renamed", "state": "closed", "state_reason": "not_planned", "labels": ["done"]}
    closed = await read(repo.rest.issues.async_update(**repo.at, issue_number=1, data=data))
    assert (closed.title, closed.state, closed.state_reason) == ("Renamed", "closed", "not_planned")
    assert closed.closed_by.login == "operator"
    assert [label.name for label in closed.labels] == ["done"]
    opened = await read(repo.rest.issues.async_update(**repo.at, issue_number=1, data={"state": "open"}))
    assert (opened.state, opened.state_reason, opened.closed_at) == ("open", "reopened", None)
    got = await read(repo.rest.issues.async_get(**repo.at, issue_number=1))
    assert (got.title, got.body) == ("Renamed", "Text")


async def test_issues_are_listed_with_pull_requests_and_filtered(repo: Repo) -> None:
    await repo.issue("One", labels=["a", "b"])
    await repo.issue("Two", labels=["a"])
    await repo.rest.issues.async_update(**repo.at, issue_number=2, data={"state": "closed"})
    await repo.pull("feature")

    async def listed(**query: str) -> list[int]:
        return [one.number for one in await read(repo.rest.issues.async_list_for_repo(**repo.at, **query))]

    assert await listed() == [3, 1]
    assert await listed(state="all", direction="asc") == [1, 2, 3]
    assert await listed(state="all", labels="a,b") == [1]
    assert await listed(state="closed", labels="A") == [2]
    assert await listed(labels="unknown") == []
    assert await listed(state="all", since="2999-01-01T00:00:00Z") == []
    assert await listed(state="all", since="2000-01-01T00:00:00Z", creator="Operator", sort="updated") != []
    both = await read(repo.rest.issues.async_list_for_repo(**repo.at, direction="asc"))
    assert not both[0].pull_request
    assert both[1].pull_request.url.endswith("/pulls/3")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 257}, "title"),
        ({"title": "x", "body": "x" * 65_537}, "body"),
        ({"title": "x", "assignees": ["nobody"]}, "assignees"),
        ({"title": "x", "parent_issue_id": 1}, "parent_issue_id"),
        ({"title": "x", "labels": ["y" * 51]}, "name"),
    ],
)
async def test_a_refused_issue_leaves_no_gap(repo: Repo, data: dict[str, object], field: str) -> None:
    answer = await repo.raw("POST", "/issues", json=data)
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    assert answer.json()["errors"][0]["field"] == field
    assert (await repo.issue()).number == 1


async def test_types_belong_to_organizations(repo: Repo) -> None:
    assert (await repo.issue(type="Task")).type is None
    answer = await bare(repo.url, "POST", "/repos/demo/tally/issues", json={"title": "x", "type": "bug"})
    assert answer.json()["type"]["name"] == "Bug"
    answer = await bare(repo.url, "POST", "/repos/demo/tally/issues", json={"title": "x", "type": "other"})
    assert answer.status_code == 422


async def test_labels_of_the_repository(repo: Repo) -> None:
    issues = repo.rest.issues
    made = await read(issues.async_create_label(**repo.at, name="Two words", color="FF0000", description="why"))
    assert (made.name, made.color) == ("Two words", "ff0000")
    status, body = await refused(issues.async_create_label(**repo.at, name="two WORDS", color="00ff00"))
    assert (status, body["errors"][0]["code"]) == (422, "already_exists")
    assert (await refused(issues.async_create_label(**repo.at, name="x", color="red")))[0] == 422
    assert (await read(issues.async_get_label(**repo.at, name="two words"))).description == "why"
    data = {"new_name": "one", "color": "00ff00"}
    changed = await read(issues.async_update_label(**repo.at, name="Two words", data=data))
    assert (changed.name, changed.color, changed.description) == ("one", "00ff00", "why")
    assert [label.name for label in await read(issues.async_list_labels_for_repo(**repo.at))] == ["one"]
    assert (await issues.async_delete_label(**repo.at, name="one")).status_code == 204
    assert (await refused(issues.async_get_label(**repo.at, name="one")))[0] == 404


async def test_labels_on_an_issue(repo: Repo) -> None:
    await repo.issue(labels=["a"])
    at, issues = {**repo.at, "issue_number": 1}, repo.rest.issues

    def names(labels: list[object]) -> list[str]:
        return [str(getattr(label, "name", "")) for label in labels]

    assert names(await read(issues.async_add_labels(**at, data={"labels": ["b", "A"]}))) == ["a", "b"]
    assert names(await read(issues.async_add_labels(**at, data=["c"]))) == ["a", "b", "c"]
    assert names(await read(issues.async_list_labels_on_issue(**at))) == ["a", "b", "c"]
    assert names(await read(issues.async_remove_label(**at, name="b"))) == ["a", "c"]
    status, body = await refused(issues.async_remove_label(**at, name="b"))
    assert (status, body["message"]) == (404, "Label does not exist")
    assert names(await read(issues.async_set_labels(**at, data={"labels": ["d"]}))) == ["d"]
    assert (await issues.async_remove_all_labels(**at)).status_code == 204
    assert await read(issues.async_list_labels_on_issue(**at)) == []


async def test_comments(repo: Repo) -> None:
    await repo.issue()
    await repo.issue()
    at, issues = {**repo.at, "issue_number": 1}, repo.rest.issues
    first = await read(issues.async_create_comment(**at, body="<!-- marker --> hello"))
    second = await read(issues.async_create_comment(**{**at, "issue_number": 2}, body="other"))
    assert [one.body for one in await read(issues.async_list_comments(**at))] == ["<!-- marker --> hello"]
    everywhere = await read(issues.async_list_comments_for_repo(**repo.at))
    assert [one.id for one in everywhere] == [first.id, second.id]
    assert (await read(issues.async_get(**at))).comments == 1
    changed = await read(issues.async_update_comment(**repo.at, comment_id=first.id, body="changed"))
    assert (changed.body, changed.issue_url) == ("changed", f"{repo.url}{repo.api}/issues/1")
    assert (await read(issues.async_get_comment(**repo.at, comment_id=first.id))).body == "changed"
    assert (await issues.async_delete_comment(**repo.at, comment_id=first.id)).status_code == 204
    assert (await refused(issues.async_get_comment(**repo.at, comment_id=first.id)))[0] == 404
    assert (await refused(issues.async_create_comment(**at, body=" ")))[0] == 422
    assert (await refused(issues.async_create_comment(**{**at, "issue_number": 9}, body="x")))[0] == 404
