"""A server that has no sub-issues and no dependencies: what they say on GitHub's page is said in words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from ledger.issues import get_issue, store_plan
from ledger.models import Event, IssueType, Plan, PlanNode, Run
from shipline.errors import NotFound
from tasks.context import Context, close_context, context
from tasks.github.client import GitHubHost
from tasks.github.identity import TokenIdentity
from tasks.github.linking import DEPENDENCIES, SUB_ISSUES, Linked
from tasks.github.repo import Repo
from tasks.github.shapes import IssueRef
from tasks.issues import link_issue, prepare_labels, sync_issue
from tasks.submit import submit
from tests.e2e.conftest import IDEA
from tests.integration.reconcile.conftest import plain
from tests.integration.sandbox.support import TOKEN, Server

KEYS = ("epic", "first", "second")


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sandbox like an older Enterprise Server."""
    seed = tmp_path_factory.mktemp("seed")
    (seed / "README.md").write_text("# Tally\n", encoding="utf-8")
    lacks = [word for feature in ("sub-issues", "dependencies") for word in ("--without", feature)]
    running = Server(tmp_path_factory.mktemp("data"), seed, *lacks)
    yield running
    assert running.stop() == ""


async def planned(monkeypatch: pytest.MonkeyPatch, mongodb: str, database: str, server: Server) -> tuple[Context, Run]:
    """A run on ``server`` with an epic and two leaves, one after the other, told to GitHub twice."""
    for name, value in {
        "MONGODB_URI": mongodb, "MONGODB_DATABASE": database, "GITHUB_API_URL": server.url, "GITHUB_TOKEN": TOKEN,
        "GITHUB_WRITES_PER_MINUTE": "0", "GITHUB_WRITES_PER_HOUR": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SHIPLINE_{name}", value)
    ctx = await context()
    run = await submit(IDEA, "demo/tally")
    leaf: dict[str, Any] = {
        "type": IssueType.TASK, "parent": "epic", "requirements": ["R1"], "acceptance_criteria": ["A"],
    }  # fmt: skip
    nodes = [
        PlanNode(key="epic", type=IssueType.EPIC, title="Both"),
        PlanNode(key="first", title="First", **leaf),
        PlanNode(key="second", title="Second", dependencies=["first"], **leaf),
    ]
    await store_plan(ctx.store, run, Plan(nodes=nodes))
    await plain(prepare_labels)(run.id)
    for _ in range(2):
        for key in KEYS:
            await plain(sync_issue)(run.id, key)
        for key in KEYS:
            await plain(link_issue)(run.id, key)
    return ctx, run


@pytest.fixture
async def _closed() -> AsyncIterator[None]:
    yield
    await close_context()


async def told(ctx: Context, run: Run) -> list[str]:
    """What the timeline says of it."""
    return [each.msg for each in await ctx.store.find(Event, {"runId": run.id}) if "This GitHub has no" in each.msg]


async def seen(ctx: Context, server: Server, run: Run, key: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An issue and its comments."""
    issue = await get_issue(ctx.store, run.id, key)
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        where = f"/repos/demo/tally/issues/{issue.number}"
        return (await client.get(where)).json(), (await client.get(f"{where}/comments")).json()


@pytest.mark.usefixtures("_closed")
async def test_words_say_it_once_where_the_features_are_missing(
    monkeypatch: pytest.MonkeyPatch, mongodb: str, database: str, older: Server
) -> None:
    ctx, run = await planned(monkeypatch, mongodb, database, older)
    assert sorted(await told(ctx, run)) == sorted([SUB_ISSUES, DEPENDENCIES])
    epic, first = await get_issue(ctx.store, run.id, "epic"), await get_issue(ctx.store, run.id, "first")
    for key in ("first", "second"):
        issue, _ = await seen(ctx, older, run, key)
        assert issue["body"].count(f"Under #{epic.number}.") == 1
        assert "sub_issues_summary" not in issue
    _, comments = await seen(ctx, older, run, "second")
    assert [each["body"].splitlines()[0] for each in comments] == [f"Waits for #{first.number}."]
    _, comments = await seen(ctx, older, run, "first")
    assert comments == []


@pytest.mark.usefixtures("_closed")
async def test_nothing_is_said_where_they_are_there(
    monkeypatch: pytest.MonkeyPatch, mongodb: str, database: str, server: Server
) -> None:
    ctx, run = await planned(monkeypatch, mongodb, database, server)
    assert await told(ctx, run) == []
    issue, comments = await seen(ctx, server, run, "second")
    assert "Under #" not in issue["body"]
    assert comments == []
    assert issue["issue_dependencies_summary"]["blocked_by"] == 1
    assert issue["parent_issue_url"].endswith(f"/{(await get_issue(ctx.store, run.id, 'epic')).number}")


async def test_a_server_that_ignores_the_parent_is_told_it_apart(repo: Repo) -> None:
    above = await repo.create_issue("Above", "", [], None)
    child = await repo.create_issue("Child", "<!-- a mark -->", ["shipline"], None)
    linked = Linked(repo.host, repo.full_name)
    assert await linked.put_under(child, above)
    assert await linked.put_under(child, above), "it is so already"
    assert await repo.find_issue("<!-- a mark -->") == IssueRef(number=child.number, id=child.id, nested=True)


async def test_an_issue_that_is_gone_is_not_taken_for_a_missing_feature(older: Server, repo: Repo) -> None:
    gone = IssueRef(number=999, id=999)
    here = await repo.create_issue("Here", "", [], None)
    with pytest.raises(NotFound, match="was to be linked with #999"):
        await Linked(repo.host, repo.full_name).put_under(here, gone)
    lacking = GitHubHost(older.url, TokenIdentity(TOKEN))
    with pytest.raises(NotFound, match="was to be linked with #999"):
        await Linked(lacking, "demo/tally").block(999, here, "mark")
    await lacking.close()
