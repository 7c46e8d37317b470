"""Faults on demand, seen from the other end of the wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.sandbox.support import (
    FAULTS,
    GitError,
    Repo,
    Server,
    Switchboard,
    bare,
    commit_file,
    git,
    read,
    with_token,
)

ISSUES = "/repos/[^/]+/[^/]+/issues"


@pytest.fixture
async def faults(server: Server) -> AsyncIterator[Switchboard]:
    """The switchboard, put back in order afterwards."""
    board = Switchboard(server.url)
    yield board
    await board.clear()


async def titles(repo: Repo) -> list[str]:
    """The titles of the open issues, newest first."""
    return [issue.title for issue in await read(repo.rest.issues.async_list_for_repo(**repo.at))]


async def post(repo: Repo, title: str, timeout: float = 10) -> httpx.Response:
    """A new issue by a bare request on a connection of its own."""
    async with httpx.AsyncClient(timeout=timeout) as client:
        return await client.post(
            f"{repo.url}{repo.api}/issues", json={"title": title}, headers={"Authorization": "Bearer sandbox-token"}
        )


async def test_a_lost_answer_is_done_and_never_told(repo: Repo, faults: Switchboard) -> None:
    await faults.set("lost-answer", method="POST", path=ISSUES, seconds=30)
    with pytest.raises(httpx.ReadTimeout):
        await post(repo, "Done", timeout=0.3)
    assert await titles(repo) == ["Done"]
    await faults.set("lost-answer", method="POST", path=ISSUES, seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        await post(repo, "Dropped")
    assert time.monotonic() - begun >= 0.2
    assert await titles(repo) == ["Dropped", "Done"]
    assert await faults.fired() == [1, 1]


@pytest.mark.parametrize(("fault", "left"), [("reset-before", []), ("reset-after", ["Sent"])])
async def test_a_reset_is_one(repo: Repo, faults: Switchboard, fault: str, left: list[str]) -> None:
    await faults.set(fault, method="POST", path=ISSUES)
    with pytest.raises(httpx.ReadError) as caught:
        await post(repo, "Sent")
    assert _root(caught.value) is ConnectionResetError
    assert await titles(repo) == left


def _root(error: BaseException) -> type[BaseException]:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return type(error)


async def test_a_truncated_answer_promises_more_than_it_holds(repo: Repo, faults: Switchboard) -> None:
    await faults.set("truncated", method="POST", path=ISSUES)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(repo.url.rpartition(":")[2]))
    body = b'{"title": "Cut"}'
    head = f"POST {repo.api}/issues HTTP/1.1\r\nHost: x\r\nAuthorization: token sandbox-token\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    head_part, _, got = answer.partition(b"\r\n\r\n")
    promised = next(int(line.split(b":")[1]) for line in head_part.split(b"\r\n") if b"content-length" in line.lower())
    assert head_part.startswith(b"HTTP/1.1 201")
    assert len(got) == promised // 2 > 100
    assert await titles(repo) == ["Cut"]


async def test_refusals_are_githubs(repo: Repo, faults: Switchboard) -> None:
    refusals: list[dict[str, Any]] = [
        {"status": 429, "headers": {"retry-after": "7"}},
        {"status": 403, "headers": {"retry-after": "7"}},
        {"status": 403, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+60"}},
        {"status": 500},
        {"status": 502, "after": True},
    ]
    for each in refusals:
        await faults.set("refuse", method="POST", path=ISSUES, **each)
    slow, secondary, primary, fault, proxy = [await post(repo, f"{number}") for number in range(5)]
    assert (slow.status_code, slow.headers["retry-after"]) == (429, "7")
    assert secondary.json()["message"].startswith("You have exceeded a secondary rate limit")
    assert primary.json()["message"].startswith("API rate limit exceeded")
    assert 59 <= int(primary.headers["x-ratelimit-reset"]) - time.time() <= 61
    assert fault.json()["message"] == "Server Error"
    assert proxy.headers["content-type"].startswith("text/html")
    assert await titles(repo) == ["4"]
    assert (await post(repo, "Well again")).status_code == 201


async def test_slow_waits_before_the_work(repo: Repo, faults: Switchboard) -> None:
    await faults.set("slow", method="POST", path=ISSUES, seconds=0.4)
    asked = asyncio.create_task(post(repo, "Late"))
    await asyncio.sleep(0.15)
    assert await titles(repo) == []
    assert (await asked).status_code == 201


async def test_stale_reads_do_not_show_what_is_new(repo: Repo, faults: Switchboard) -> None:
    paths = ".*/(issues|pulls|comments|reviews)(/[0-9]+)?"
    await faults.set("stale", path=paths, seconds=60)
    issue = await repo.issue("New")
    pull = await repo.pull("feature")
    await repo.rest.issues.async_create_comment(**repo.at, issue_number=issue.number, body="Hello")
    data = {"body": "Looks fine", "event": "COMMENT"}
    await repo.rest.pulls.async_create_review(**repo.at, pull_number=pull.number, data=data)

    async def seen() -> list[int]:
        paths = ["/issues", "/pulls", f"/issues/{issue.number}/comments", f"/pulls/{pull.number}/reviews"]
        return [len((await repo.raw("GET", path)).json()) for path in paths]

    async def single() -> list[int]:
        return [(await repo.raw("GET", path)).status_code for path in (f"/issues/{issue.number}", "/pulls/2")]

    assert (await seen(), await single()) == ([0, 0, 0, 0], [404, 404])
    await faults.clear()
    await faults.set("stale", path=paths, seconds=0)
    await asyncio.sleep(1.1)
    assert (await seen(), await single()) == ([2, 1, 1, 1], [200, 200])


async def test_a_stale_list_has_full_pages_of_what_is_old(repo: Repo, faults: Switchboard) -> None:
    for number in range(3):
        await repo.issue(f"Old {number}")
    await asyncio.sleep(1.1)
    await faults.set("stale", path=ISSUES, seconds=0)
    await repo.issue("New")
    answer = await repo.raw("GET", "/issues?per_page=2")
    assert [each["title"] for each in answer.json()] == ["Old 2", "Old 1"]
    assert 'page=2>; rel="last"' in answer.headers["link"]


async def test_creation_limits_say_how_long_to_wait(repo: Repo, faults: Switchboard) -> None:
    await faults.set("creation-limit", limit=2, window=1.5)
    assert [(await post(repo, f"{number}")).status_code for number in range(3)] == [201, 201, 403]
    refused = await post(repo, "Too many")
    assert "content creation" in refused.json()["message"]
    assert (await repo.raw("GET", "/issues")).status_code == 200
    await asyncio.sleep(int(refused.headers["retry-after"]))
    assert (await post(repo, "Later")).status_code == 201
    assert await faults.fired() == [2]


async def test_a_rule_is_picky(repo: Repo, faults: Switchboard) -> None:
    await faults.set("refuse", method="POST", path=ISSUES, body='.*"title": ?"Wanted".*', skip=1, times=2)
    asked = ["Other", "Wanted", "Wanted", "Wanted", "Wanted"]
    assert [(await post(repo, title)).status_code for title in asked] == [201, 201, 500, 500, 201]


async def test_rules_are_set_with_a_token_and_sense(server: Server) -> None:
    assert (await bare(server.url, "POST", FAULTS, token=None, json={"fault": "slow"})).status_code == 401
    for wrong in ({"fault": "meteor"}, {"fault": "slow", "path": "("}, {"fault": "slow", "tims": 2}):
        assert (await bare(server.url, "POST", FAULTS, json=wrong)).status_code == 422
    assert (await bare(server.url, "GET", FAULTS)).json() == []


async def test_git_goes_wrong_as_well(repo: Repo, faults: Switchboard, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", with_token(f"{repo.url}/{repo.owner}/{repo.name}.git"), "work")
    work = tmp_path / "work"
    for fault, moved in (("reset-before", False), ("reset-after", True), ("truncated", True)):
        sha = commit_file(work, "file.txt", fault)
        # git's HTTP library asks a second time by itself when a connection dies that had been of use before.
        await faults.set(fault, path=".*/git-receive-pack", times=2)
        with pytest.raises(GitError):
            await asyncio.to_thread(git, work, "push", "--quiet", "origin", "HEAD:main")
        assert (await repo.head() == sha) is moved
        await faults.clear()
        await asyncio.to_thread(git, work, "push", "--quiet", "origin", "HEAD:main")
        assert await repo.head() == sha
