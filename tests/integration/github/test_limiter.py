"""The write limiter on a real Prefect server, before a sandbox that counts what is written."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from deployments.stack import LocalStack
from shipline.config import Settings
from shipline.errors import Unavailable
from tasks.github.client import GitHubHost
from tasks.github.identity import TokenIdentity
from tasks.github.limiter import Bucket, OwnLimiter, SharedLimiter, limiter_for
from tasks.github.repo import Repo
from tests.integration.sandbox.support import ROOT, TOKEN, Server, Switchboard

pytestmark = pytest.mark.timeout(240)
LIMIT, WINDOW = 9, 3.0
BUCKETS = (Bucket.under("window", LIMIT, WINDOW),)

# One worker: takes slots and says when it had each, on the clock that all processes of a machine share.
WORKER = """
import asyncio, json, sys, time
from shipline.config import Settings
from tasks.github.limiter import Bucket, SharedLimiter

async def main(url, host, count):
    limiter = SharedLimiter(Settings(prefect_api_url=url), host, [Bucket.under("window", 9, 3.0)])
    moments = []
    for _ in range(count):
        await limiter.slot()
        moments.append(time.monotonic())
    await limiter.close()
    print(json.dumps(moments))

assert "prefect" not in sys.modules
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
assert "prefect" not in sys.modules
"""


@pytest.fixture(scope="module")
async def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a real Prefect server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("SHIPLINE_", "PREFECT_"))]:
            patch.delenv(name)
        async with LocalStack(tmp_path_factory.mktemp("prefect"), fixed_ports=False, parts=("prefect",)) as stack:
            yield stack.addresses.prefect_api_url


def busiest(moments: Sequence[float]) -> int:
    """The most writes that any window saw."""
    return max(sum(begun <= each < begun + WINDOW for each in moments) for begun in moments)


async def test_two_processes_share_one_limit(prefect_url: str) -> None:
    argv = [sys.executable, "-c", WORKER, prefect_url, "shared.example", "8"]
    pipe = subprocess.PIPE
    workers = [await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=pipe) for _ in range(2)]
    each = [json.loads((await worker.communicate())[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert [len(moments) for moments in each] == [8, 8]
    assert busiest(each[0] + each[1]) < LIMIT


async def write(repo: Repo, count: int) -> None:
    """So many issues, one after the other."""
    for number in range(count):
        await repo.create_issue(f"{number}", "", [], None)


async def test_under_the_limiter_github_never_refuses(
    server: Server, repo: Repo, faults: Switchboard, prefect_url: str
) -> None:
    await faults.set("creation-limit", limit=LIMIT, window=WINDOW)
    settings = Settings(prefect_api_url=prefect_url)
    hosts = [
        GitHubHost(server.url, TokenIdentity(TOKEN), limiter=SharedLimiter(settings, "sandbox.example", BUCKETS))
        for _ in range(2)
    ]
    begun = time.monotonic()
    await asyncio.gather(*(write(Repo(host, repo.full_name), 8) for host in hosts))
    assert time.monotonic() - begun > WINDOW
    assert await faults.fired() == [0]
    for host in hosts:
        await host.close()
    await write(repo, LIMIT + 1)  # without it: refused at some point, and waited for
    assert await faults.fired() != [0]


async def test_every_write_takes_a_slot_and_no_read_does(server: Server, repo: Repo) -> None:
    taken: list[int] = []

    class Counting(OwnLimiter):
        async def slot(self) -> None:
            taken.append(1)

    host = GitHubHost(server.url, TokenIdentity(TOKEN), limiter=Counting("counting.example", []))
    mine = Repo(host, repo.full_name)
    sha = await mine.branch_sha("main")
    assert sha is not None
    assert await mine.find_issue("nothing") is None
    assert taken == []
    await mine.create_branch("feature", sha)
    await mine.put_file("feature", "a.txt", "a", "Add a")
    pull = await mine.open_pull("feature", "main", "Bring it", "")
    await mine.mark_ready(pull.node_id)
    comment = await mine.comment(pull.number, "Hello")
    await mine.delete_comment(comment.id)
    await mine.merge_pull(pull.number, pull.head, "Merge", "")
    assert len(taken) == 7
    assert (await mine.pull(pull.number)).merged_sha  # asks GraphQL, and writes nothing
    assert len(taken) == 7
    await host.close()


async def test_a_limit_that_was_deleted_is_made_again(prefect_url: str) -> None:
    limiter = SharedLimiter(Settings(prefect_api_url=prefect_url), "gone.example", BUCKETS)
    await limiter.slot()
    async with httpx.AsyncClient(base_url=prefect_url) as client:
        path = "/v2/concurrency_limits/github-writes:gone.example:window"
        assert (await client.get(path)).json()["limit"] == BUCKETS[0].capacity
        assert (await client.delete(path)).status_code == 204
        await limiter.slot()
        assert (await client.get(path)).json()["active_slots"] == 1
    await limiter.close()


async def test_without_an_answer_of_prefects_nothing_is_written(
    server: Server, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.github.limiter.PATIENCE", 0.2)
    lost = SharedLimiter(Settings(prefect_api_url="http://127.0.0.1:9/api"), "lost.example", BUCKETS)
    host = GitHubHost(server.url, TokenIdentity(TOKEN), limiter=lost)
    with pytest.raises(Unavailable, match="Prefect at"):
        await Repo(host, repo.full_name).create_issue("No", "mark", ["shipline"], None)
    await host.close()
    assert await repo.find_issue("mark") is None


def test_the_stacks_own_sandbox_has_no_limiter(home: Path) -> None:
    sandbox = "http://127.0.0.1:5555"
    told = {"pid": os.getpid(), "github_api_url": sandbox}
    (home / "stack.json").write_text(json.dumps(told))
    assert limiter_for(Settings(github_api_url=sandbox)) is None
    given = limiter_for(Settings(github_api_url=sandbox, github_writes_per_minute=80, prefect_api_url="http://x/api"))
    assert isinstance(given, SharedLimiter)
    theirs = limiter_for(Settings(github_api_url="https://api.github.com"))
    assert isinstance(theirs, OwnLimiter)
    assert (
        limiter_for(Settings(github_writes_per_minute=0, github_writes_per_hour=0, github_api_url="http://x")) is None
    )
