"""Each line of the table of retries, against the real fault."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from shipline.backoff import TRIES
from shipline.errors import ConfigError, NotFound, OutcomeUnknown, Unavailable
from tasks.github.client import GitHubError, GitHubHost
from tasks.github.errors import RateLimited
from tasks.github.identity import TokenIdentity
from tasks.github.pulls import READY
from tasks.github.repo import Repo
from tests.integration.sandbox.support import Server, Switchboard

ISSUES, ISSUE = "/repos/[^/]+/[^/]+/issues", "/repos/[^/]+/[^/]+/issues/[0-9]+"
# Every way to lose an answer, the work done and not done; and whether the issue is there afterwards.
LOST: list[tuple[dict[str, Any], bool]] = [
    ({"fault": "lost-answer", "seconds": 5}, True),  # we give up first
    ({"fault": "lost-answer", "seconds": 0.1}, True),  # the other side hangs up
    ({"fault": "reset-before"}, False),
    ({"fault": "reset-after"}, True),
    ({"fault": "truncated"}, True),
    ({"fault": "refuse", "status": 500}, False),
    ({"fault": "refuse", "status": 500, "after": True}, True),
    ({"fault": "refuse", "status": 502}, False),
    ({"fault": "refuse", "status": 502, "after": True}, True),
    ({"fault": "refuse", "status": 503}, False),
    ({"fault": "refuse", "status": 504, "after": True}, True),
]
LOST_IDS = [f"{each['fault']}-{each.get('status', each.get('seconds', ''))}-{done}" for each, done in LOST]


@pytest.mark.parametrize(("fault", "done"), LOST, ids=LOST_IDS)
async def test_what_makes_something_is_never_sent_twice(
    repo: Repo, faults: Switchboard, hurried: list[int], fault: dict[str, Any], done: bool
) -> None:
    await faults.set(method="POST", path=ISSUES, **fault)
    with pytest.raises(OutcomeUnknown, match=r"POST /repos/operator/.*/issues .*it may have been done"):
        await repo.create_issue("Once", "mark", ["shipline"], None)
    assert hurried == []
    assert (await repo.find_issue("mark") is not None) is done
    assert await faults.fired() == [1]


@pytest.mark.parametrize(("fault", "_"), LOST, ids=LOST_IDS)
async def test_what_may_be_repeated_is(
    repo: Repo, faults: Switchboard, hurried: list[int], fault: dict[str, Any], _: bool
) -> None:
    issue = await repo.create_issue("Once", "mark", ["shipline"], None)
    await faults.set(method="PATCH|GET", path=ISSUE, times=2, **fault)
    await repo.set_issue_state(issue.number, "closed", "completed")
    assert await faults.fired() == [2]
    assert hurried == [1, 2]
    found = await repo.host.ask(lambda: repo._rest.issues.async_get(**repo._at, issue_number=issue.number))
    assert found.parsed_data.state == "closed"


async def test_listing_is_repeated_page_by_page(repo: Repo, faults: Switchboard, hurried: list[int]) -> None:
    for number in range(31):
        await repo.create_issue(f"{number}", f"mark-{number}.", ["shipline"], None)
    await faults.set("truncated", method="GET", path=ISSUES, skip=1)
    assert await repo.find_issue("mark-30.") is not None
    assert await faults.fired() == [1]


async def test_a_file_and_a_merge_are_not_put_twice(repo: Repo, faults: Switchboard, hurried: list[int]) -> None:
    base = await repo.branch_sha("main")
    assert base is not None
    await repo.create_branch("feature", base)
    await faults.set("reset-after", method="PUT")
    with pytest.raises(OutcomeUnknown):
        await repo.put_file("feature", "a.txt", "a", "Add a")
    assert await repo.file_exists("feature", "a.txt")
    pull = await repo.open_pull("feature", "main", "Bring it", "")
    await faults.set("lost-answer", method="POST", path="/graphql", seconds=0.1)
    with pytest.raises(OutcomeUnknown):
        await repo.mark_ready(pull.node_id)
    pull = await repo.pull(pull.number)
    assert not pull.draft
    await faults.set("reset-after", method="PUT")
    with pytest.raises(OutcomeUnknown):
        await repo.merge_pull(pull.number, pull.head, "Merge", "")
    await faults.set("truncated", method="POST", path="/graphql")  # a question: asked again
    assert (await repo.pull(pull.number)).merged_sha
    assert await faults.fired() == [1, 1, 1, 1]
    assert hurried == [1]


@pytest.mark.parametrize(
    "refusal",
    [
        {"status": 429, "headers": {"retry-after": "1"}},
        {"status": 403, "headers": {"retry-after": "1"}},
        {"status": 403, "headers": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+1"}},
        {"status": 503, "headers": {"retry-after": "1"}},
    ],
    ids=["429", "secondary", "primary", "busy"],
)
async def test_a_limit_is_waited_for_and_then_the_work_is_done_once(
    repo: Repo, faults: Switchboard, refusal: dict[str, Any]
) -> None:
    await faults.set("refuse", method="POST", path=ISSUES, **refusal)
    begun = time.monotonic()
    issue = await repo.create_issue("Once", "mark", ["shipline"], None)
    assert time.monotonic() - begun >= 1
    assert issue.number == 1
    assert await repo.find_issue("mark") == issue


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "3600"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+3600"}],
    ids=["secondary", "primary"],
)
async def test_told_to_wait_too_long_it_names_the_time(
    repo: Repo, faults: Switchboard, headers: dict[str, str]
) -> None:
    await faults.set("refuse", status=403, headers=headers)
    with pytest.raises(RateLimited, match=r"no more requests before 20.* UTC") as caught:
        await repo.create_issue("Later", "mark", [], None)
    assert 3590 <= (caught.value.until - datetime.now(UTC)).total_seconds() <= 3620
    assert "Retry after that time" in str(caught.value)
    assert await faults.fired() == [1]


async def test_a_limit_that_stays_ends_with_its_sentence(repo: Repo, faults: Switchboard) -> None:
    await faults.set("refuse", status=429, headers={"retry-after": "0"}, times=None)
    with pytest.raises(RateLimited, match="secondary rate limit"):
        await repo.create_issue("Later", "mark", [], None)
    assert await faults.fired() == [TRIES]


async def test_a_fault_that_stays_ends_after_five_tries(repo: Repo, faults: Switchboard, hurried: list[int]) -> None:
    await faults.set("refuse", status=502, times=None)
    with pytest.raises(Unavailable, match=r"answered 502 to GET .*an HTML page") as caught:
        await repo.branch_sha("main")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert await faults.fired() == [TRIES]
    assert hurried == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, ConfigError, "Set SHIPLINE_GITHUB_TOKEN"),
        (403, GitHubError, "Give the token .* the permission"),
        (404, NotFound, "Check the (repository's )?name"),
        (409, GitHubError, "changed the same thing"),
        (422, GitHubError, "Correct what it names"),
    ],
)
async def test_what_cannot_heal_fails_at_once_and_says_what_to_do(
    repo: Repo, faults: Switchboard, status: int, kind: type[Exception], says: str
) -> None:
    for method in ("POST", "GET"):
        await faults.set("refuse", method=method, status=status)
    with pytest.raises(kind, match=says):
        await repo.create_issue("No", "mark", [], None)
    with pytest.raises(kind, match=says):
        await repo.about()
    assert await faults.fired() == [1, 1]


async def test_a_page_that_is_no_json_is_no_answer(repo: Repo, faults: Switchboard, hurried: list[int]) -> None:
    page = {"status": 400, "headers": {"content-type": "text/html"}, "text": "<html>Log in</html>"}
    await faults.set("refuse", method="GET", **page)
    with pytest.raises(GitHubError, match="an HTML page"):
        await repo.about()


async def test_graphqls_own_limit_is_waited_for(repo: Repo, faults: Switchboard) -> None:
    base = await repo.branch_sha("main")
    assert base is not None
    await repo.create_branch("feature", base)
    await repo.put_file("feature", "a.txt", "a", "Add a")
    pull = await repo.open_pull("feature", "main", "Bring it", "")
    limited = '{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    told = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+1"}
    await faults.set("refuse", path="/graphql", status=200, headers=told, text=limited)
    begun = time.monotonic()
    await repo.mark_ready(pull.node_id)
    assert time.monotonic() - begun >= 1
    with pytest.raises(GitHubError, match="Could not resolve"):
        await repo.host.graphql(READY, {"id": "PR_nowhere"}, repo="o/r")


async def test_where_nobody_listens_every_request_is_tried_five_times(hurried: list[int]) -> None:
    nobody = GitHubHost("http://127.0.0.1:9", TokenIdentity("token"), timeout=1)
    for call in (Repo(nobody, "a/b").about(), Repo(nobody, "a/b").create_issue("No", "", [], None)):
        with pytest.raises(Unavailable, match="gave no answer") as caught:
            await call
        assert not isinstance(caught.value, OutcomeUnknown)  # certainly not done
    assert hurried == [1, 2, 3, 4] * 2
    await nobody.close()


async def test_the_pool_repeats_no_request_that_went_out(
    server: Server, repo: Repo, faults: Switchboard, hurried: list[int]
) -> None:
    await repo.branch_sha("main")  # the connection is open, as it is in the middle of a run
    await faults.set("reset-before", method="POST", path=ISSUES, times=None)
    with pytest.raises(OutcomeUnknown):
        await repo.create_issue("Once", "mark", [], None)
    assert await faults.fired() == [1]
