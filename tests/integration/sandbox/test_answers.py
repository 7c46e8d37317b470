"""Statuses, bodies, headers and pages, as GitHub writes them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.sandbox.support import Repo, bare, read

SHA = "1" * 40


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/absent", None, 404, "Not Found"),
        ("GET", "/issues/99", None, 404, "Not Found"),
        ("GET", "/issues/nonsense", None, 404, "Not Found"),
        ("PUT", "/issues", {}, 404, "Not Found"),
        ("GET", "/pulls/99", None, 404, "Not Found"),
        ("PUT", "/pulls/99/merge", {}, 404, "Not Found"),
        ("PATCH", "/issues/99", {}, 404, "Not Found"),
        ("GET", "/git/ref/heads/absent", None, 404, "Not Found"),
        ("GET", f"/git/commits/{SHA}", None, 404, "Not Found"),
        ("GET", "/releases/latest", None, 404, "Not Found"),
        ("GET", "/compare/main", None, 404, "Not Found"),
        ("POST", "/issues", {}, 422, 'Invalid request.\n\n"title" wasn\'t supplied.'),
        ("POST", "/git/refs", {"ref": "refs/heads/x"}, 422, 'Invalid request.\n\n"sha" wasn\'t supplied.'),
        ("POST", "/merges", {"base": "main", "head": "absent"}, 404, "Head does not exist"),
        ("POST", "/git/refs", {"ref": "refs/heads/x", "sha": SHA}, 422, "Object does not exist"),
        ("GET", "/issues?state=odd", None, 422, "Validation Failed"),
    ],
)
async def test_refusals(
    repo: Repo, method: str, path: str, body: dict[str, Any] | None, status: int, message: str
) -> None:
    answer = await repo.raw(method, path, json=body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert answer.json()["status"] == str(status)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_who_may_come_in(repo: Repo) -> None:
    nobody = await bare(repo.url, "GET", "/user", token=None)
    assert (nobody.status_code, nobody.json()["message"]) == (401, "Requires authentication")
    wrong = await bare(repo.url, "GET", "/user", token="wrong")
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
    for scheme in ("token sandbox-token", "bearer sandbox-token"):
        assert (await bare(repo.url, "GET", "/user", headers={"Authorization": scheme})).status_code == 200
    basic = {"Authorization": "Basic eDpzYW5kYm94LXRva2Vu"}
    assert (await bare(repo.url, "GET", "/user", headers=basic)).json()["login"] == "operator"
    assert (await bare(repo.url, "GET", "/user", headers={"Authorization": "Basic %"})).status_code == 401


async def test_a_body_that_is_no_json(repo: Repo) -> None:
    broken = await repo.raw("POST", "/issues", content=b"{")
    assert (broken.status_code, broken.json()["message"]) == (400, "Problems parsing JSON")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await repo.raw("POST", "/issues", content=b'{"title": "x"}', headers=form)).status_code == 201
    typed = await repo.raw("POST", "/issues", json={"title": "x", "labels": "y"})
    assert typed.status_code == 422
    assert "For 'properties/labels'" in typed.json()["message"]


async def test_versions_of_the_api(repo: Repo) -> None:
    await repo.pull("feature")
    new = await repo.raw("GET", "/pulls/1")
    old = await repo.raw("GET", "/pulls/1", headers={"X-GitHub-Api-Version": "2022-11-28"})
    assert new.headers["x-github-api-version-selected"] == "2026-03-10"
    assert old.headers["x-github-api-version-selected"] == "2022-11-28"
    assert set(old.json()) - set(new.json()) == {"assignee", "merge_commit_sha"}
    unknown = await repo.raw("GET", "/pulls/1", headers={"X-GitHub-Api-Version": "2000-01-01"})
    assert unknown.status_code == 400


async def test_headers(repo: Repo) -> None:
    answer = await repo.raw("GET", "")
    assert answer.headers["x-ratelimit-limit"] == "5000"
    assert answer.headers["x-ratelimit-resource"] == "core"
    assert answer.headers["x-github-media-type"] == "github.v3; format=json"
    same = await repo.raw("GET", "", headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await repo.issue()
    assert (await repo.raw("GET", "", headers={"If-None-Match": answer.headers["etag"]})).status_code == 200


async def test_pages(repo: Repo) -> None:
    for number in range(5):
        await repo.issue(str(number))
    first = await repo.raw("GET", "/issues?per_page=2&state=all")
    assert {rel: link["url"] for rel, link in first.links.items()} == {
        "next": f"{repo.url}{repo.api}/issues?per_page=2&state=all&page=2",
        "last": f"{repo.url}{repo.api}/issues?per_page=2&state=all&page=3",
    }
    middle = await repo.raw("GET", "/issues?per_page=2&page=2")
    assert set(middle.links) == {"prev", "next", "last", "first"}
    last = await repo.raw("GET", "/issues?per_page=2&page=3")
    assert set(last.links) == {"prev", "first"}
    assert [len(page.json()) for page in (first, middle, last)] == [2, 2, 1]
    assert (await repo.raw("GET", "/issues?page=9")).json() == []
    assert "link" not in (await repo.raw("GET", "/issues?per_page=1000&page=0")).headers
    pages = repo.rest.paginate(repo.rest.issues.async_list_for_repo, **repo.at, per_page=2, direction="asc")
    assert [issue.number async for issue in pages] == [1, 2, 3, 4, 5]


async def test_branches_come_in_pages_too(repo: Repo) -> None:
    for name in "abc":
        await repo.branch(name)
    answer = await repo.raw("GET", "/branches?per_page=3&page=2")
    assert [one["name"] for one in answer.json()] == ["main"]


async def test_sixteen_clients_at_once(repo: Repo) -> None:
    made = await asyncio.gather(*(repo.issue(f"Issue {n}", labels=["same", f"own-{n}"]) for n in range(16)))
    assert sorted(issue.number for issue in made) == list(range(1, 17))
    assert len({issue.id for issue in made}) == 16
    labels = await read(repo.rest.issues.async_list_labels_for_repo(**repo.at, per_page=100))
    assert len(labels) == 17
    pulls = await asyncio.gather(*(repo.pull(f"branch-{n}") for n in range(8)))
    assert sorted(pull.number for pull in pulls) == list(range(17, 25))
    await asyncio.gather(*(repo.rest.pulls.async_merge(**repo.at, pull_number=pull.number) for pull in pulls))
    commits = await read(repo.rest.repos.async_list_commits(**repo.at, per_page=100))
    assert len(commits) == 1 + 2 * 8


async def test_of_many_only_one_creates_a_ref(repo: Repo) -> None:
    body = {"ref": "refs/heads/wanted", "sha": await repo.head()}
    answers = await asyncio.gather(*(repo.raw("POST", "/git/refs", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
