"""The flows that are about no single step: deploy again, roll back, audit, and retention of files."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ledger.models import Audit, Delivery, DeploymentStatus, Event, EventType, Outcome, ReleaseInfo, Run, RunState, now
from ledger.queries import events
from ledger.runs import create_run, end_run
from ledger.store import Store
from ledger.timeline import append, event, verify
from shipline.errors import NotFound
from tasks.context import context
from tasks.deploy import again
from tasks.deploy.retire import stop_deployment
from tasks.deploy.step import deploy
from tasks.reconcile.audit import AuditFailed, audit_runs, require_whole
from tasks.reconcile.retention import remove_old
from tests.crash.scenario import Ground
from tests.integration.reconcile.conftest import plain

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


async def _released(ground: Ground, store: Store, repo: str, version: str) -> Run:
    """A run that has ended with a release of the repository's first commit."""
    async with ground.github() as client:
        sha = (await client.get(f"/repos/{repo}/git/ref/heads/main")).json()["object"]["sha"]
        body = {"tag_name": f"v{version}", "target_commitish": sha, "name": version, "body": version}
        (await client.post(f"/repos/{repo}/releases", json=body)).raise_for_status()
    run = await store.get(Run, (await create_run(store, "an idea", repo, "main")).id)
    release = ReleaseInfo(
        version=version, tag=f"v{version}", sha=sha, url="u", audit_seq=run.chain.seq, audit_hash=run.chain.hash
    )
    ended = {"release": release.model_dump(by_alias=True), "state": RunState.DONE, "outcome": Outcome.SUCCEEDED}
    await store.change(Run, run.id, ended)
    return run


async def test_a_release_is_deployed_again_and_rolled_back(
    ground: Ground, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "deploy", plain(deploy))
    store, name = (await context()).store, "operated"
    made = await ann.post("/repos/demo/tally/generate", json={"owner": "demo", "name": name})
    made.raise_for_status()
    first, second = [await _released(ground, store, f"demo/{name}", version) for version in ("0.1.0", "0.2.0")]

    one = await again.deploy_again(first.id, "asked-1")
    assert one is not None
    same = await again.deploy_again(first.id, "asked-1")  # the same wish is carried out once
    assert same is not None
    assert (same.id, same.pid) == (one.id, one.pid)
    two = await again.deploy_again(second.id, "asked-2")
    back = await again.roll_back(second.id)
    assert two is not None and back is not None
    assert (back.version, back.run_id) == ("0.1.0", first.id)
    async with httpx.AsyncClient(timeout=10) as client:
        assert (await client.get(f"{back.url}/healthz")).status_code == 200
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{two.url}/healthz")
    assert (await store.get(type(two), two.id)).status is DeploymentStatus.REPLACED
    with pytest.raises(NotFound, match=r"no release before v0\.1\.0"):
        await again.roll_back(second.id)
    await stop_deployment(first.id)


async def test_an_audit_names_the_run_that_is_not_whole_and_looks_only_at_what_grew(ground: Ground) -> None:
    store = (await context()).store
    run = await create_run(store, "an idea", "o/audited", "main")
    await audit_runs(store, everything=True)
    quiet = await audit_runs(store, everything=False)
    assert (quiet.runs, quiet.problems) == (0, {})

    await append(store, run.id, event(EventType.STEP_COMPLETED, "X", "one more"))
    await store.collection(Event).update_one({"runId": run.id, "seq": 2}, {"$set": {"msg": "another"}})
    found = await audit_runs(store, everything=False)
    assert list(found.problems) == [run.id]
    assert (await store.get(Audit, found.id)).problems == found.problems
    with pytest.raises(AuditFailed, match=run.id):
        require_whole(found)
    assert (await events(store, run.id))[-1].msg.startswith("Audit: the chain is not whole: event 2 was altered")
    await store.collection(Event).update_one({"runId": run.id, "seq": 2}, {"$set": {"msg": "one more"}})
    require_whole(await audit_runs(store, everything=False))


def _old_file(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    when = (now() - timedelta(days=days)).timestamp()
    for each in (path, path.parent):
        os.utime(each, (when, when))
    return path


async def test_what_is_old_goes_and_what_is_in_use_or_young_stays(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = (await context()).store
    ended, going = [await create_run(store, "an idea", "o/old", "main") for _ in range(2)]
    await end_run(store, ended.id, Outcome.FAILED)
    home = ground.home
    gone = [
        _old_file(home / "logs" / "delivery-1.log", 31),
        _old_file(home / "work" / ended.id / "leaf-agent" / "file", 31).parents[1],
        _old_file(home / "environments" / "unused" / ".shipline-complete", 31).parent,
        _old_file(home / "deployments" / "o-old" / "v1.0.0" / "file", 31).parent,
    ]
    os.utime(gone[1], (0, 0))
    used = _old_file(home / "deployments" / "o-old" / "v1.1.0" / "file", 31).parent
    stays = [
        used,
        _old_file(home / "logs" / "delivery-2.log", 29),
        _old_file(home / "logs" / "mongodb.log", 31),
        _old_file(home / "work" / going.id / "leaf-agent" / "file", 31).parents[1],
        _old_file(home / "environments" / "used" / ".shipline-complete", 29).parent,
    ]
    monkeypatch.chdir(used)
    await remove_old()
    assert [each for each in gone if each.exists()] == []
    assert [each for each in stays if not each.exists()] == []


async def test_old_events_go_and_the_rest_verifies(ground: Ground) -> None:
    store = (await context()).store
    run = await create_run(store, "an idea", "o/events", "main")
    await end_run(store, run.id, Outcome.FAILED)
    await store.collection(Run).update_one({"_id": run.id}, {"$set": {"created_at": now() - timedelta(days=2)}})
    await asyncio.sleep(0.01)  # the ledger's times are whole milliseconds
    done = await remove_old(events_days=0)
    assert done.events[run.id] == 2
    assert await verify(store, run.id) == (1, [])


async def test_webhooks_that_were_worked_on_go_when_github_cannot_send_them_again(ground: Ground) -> None:
    store = (await context()).store
    for name, days in (("old", 5), ("young", 3)):
        worked = now() - timedelta(days=days)
        await store.insert(Delivery(id=f"{name}-{ground.home.name}", event="ping", payload={}, worked_at=worked))
    await store.insert(Delivery(id=f"waits-{ground.home.name}", event="ping", payload={}))
    done = await remove_old(events_days=0)
    assert done.deliveries == 1
    left = await store.find(Delivery, {"_id": {"$regex": f"-{ground.home.name}$"}}, [("_id", 1)])
    assert [each.id.partition("-")[0] for each in left] == ["waits", "young"]
