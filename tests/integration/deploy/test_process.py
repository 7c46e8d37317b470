"""Release, deploy, release again, roll back, come back by itself: on processes of this machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import psutil
import pytest

from ledger.models import Deployment, DeploymentStatus, Issue, IssueStatus, IssueType, Outcome, Run, RunState
from ledger.queries import events
from ledger.runs import reopen_run
from shipline.errors import InvalidInput, NotFound
from tasks.deploy.again import roll_back
from tasks.previewing import preview_release
from tests.integration.deploy.conftest import Bench

pytestmark = pytest.mark.timeout(240)


async def _deployment(bench: Bench, run: Run) -> Deployment:
    found = await bench.store.find_one(Deployment, {"runId": run.id}, newest=True)
    assert found is not None
    return found


async def _states(bench: Bench) -> dict[str, list[str]]:
    """What GitHub was told of each deployment, by its ref, the first word first."""
    found: dict[str, list[str]] = {}
    for each in reversed(await bench.ask("/deployments")):
        words = [word["state"] for word in await bench.ask(f"/deployments/{each['id']}/statuses")]
        found.setdefault(each["ref"], []).extend(reversed(words))
    return found


async def test_two_releases_and_back_to_the_first(bench: Bench) -> None:
    first = await bench.merged({"sound.txt": "ding"}, "Ring")
    shown = await preview_release(first.id)
    assert (shown.version, shown.in_the_way) == ("0.2.0", [])
    assert shown.entry.startswith("## [0.2.0]")
    assert await bench.ask("/releases") == []  # it wrote nothing
    assert "0.2.0" not in bench.git("ls-remote", "origin")

    first = await bench.release(first)
    assert (first.outcome, first.state) == (Outcome.SUCCEEDED, RunState.DONE), first.error
    one = await _deployment(bench, first)
    assert await bench.sound(one.url) == "ding"

    second = await bench.release(await bench.merged({"sound.txt": "dong"}, "fix: the tone"))
    assert second.release is not None
    assert second.release.version == "0.2.1"  # nothing but a fix
    two = await _deployment(bench, second)
    assert (await bench.sound(two.url), await bench.sound(one.url)) == ("dong", "")

    third = await bench.release(await bench.merged({"sound.txt": "dang"}, "Ring louder"))
    with pytest.raises(NotFound, match=r"no release v9\.9\.9"):
        await roll_back(third.id, "9.9.9")
    with pytest.raises(InvalidInput, match=r"v0\.3\.0 is not earlier"):
        await roll_back(third.id, "v0.3.0")
    back = await roll_back(third.id, "v0.2.0")  # past the one before
    assert back is not None
    assert (back.version, await bench.sound(back.url)) == ("0.2.0", "ding")
    assert await bench.sound((await _deployment(bench, third)).url) == ""
    assert await _states(bench) == {
        "v0.2.0": ["in_progress", "success", "inactive", "in_progress", "success"],
        "v0.2.1": ["in_progress", "success", "inactive"],
        "v0.3.0": ["in_progress", "success", "inactive"],
    }


async def test_a_bad_version_does_not_replace_the_good_one_and_becomes_a_defect(bench: Bench) -> None:
    good = await bench.release(await bench.merged({"sound.txt": "ding"}, "Ring"))
    runs = await _deployment(bench, good)
    bad = await bench.release(await bench.merged({"cracked": "yes"}, "Crack it"))
    assert (bad.outcome, bad.state) == (Outcome.FAILED, RunState.RELEASE)
    assert await bench.sound(runs.url) == "ding"
    defect = await bench.store.find_one(Issue, {"runId": bad.id, "type": IssueType.DEFECT})
    assert defect is not None
    assert bad.error is not None
    assert "the bell is cracked" in bad.error
    assert f"Rolled back to v0.2.0, which runs on at {runs.url}. Defect #{defect.number} is filed." in bad.error
    told = await bench.ask(f"/issues/{defect.number}")
    assert (told["state"], told["title"]) == ("open", "Defect: v0.3.0 does not run in local")
    assert "the bell is cracked" in told["body"]
    failed = await _deployment(bench, bad)
    assert (failed.version, failed.status) == ("0.3.0", DeploymentStatus.FAILED)
    assert (await _states(bench))["v0.3.0"] == ["in_progress", "failure"]

    # The tag cannot be mended, but what made it fail may be: going on tries it again.
    bench.git("fetch", "--quiet", "--tags")
    bench.git("rm", "--quiet", "cracked")
    bench.git("commit", "--quiet", "-m", "Mend it")
    bench.git("push", "--quiet", "--force", "origin", "HEAD:refs/tags/v0.3.0")
    await reopen_run(bench.store, bad.id)
    mended = await bench.release(bad)
    assert (mended.outcome, mended.state) == (Outcome.SUCCEEDED, RunState.DONE), mended.error
    settled = await bench.store.get(Issue, defect.id)
    assert settled.status is IssueStatus.DONE
    assert (await bench.ask(f"/issues/{defect.number}"))["state"] == "closed"
    assert (await _deployment(bench, mended)).status is DeploymentStatus.HEALTHY
    assert await bench.sound(runs.url) == ""


async def test_what_ran_before_and_has_ended_is_started_again(bench: Bench) -> None:
    good = await bench.release(await bench.merged({"sound.txt": "ding"}, "Ring"))
    before = await _deployment(bench, good)
    psutil.Process(before.pid).kill()
    psutil.Process(before.pid).wait(10)
    bad = await bench.release(await bench.merged({"cracked": "yes"}, "Crack it"))
    assert bad.error is not None
    assert "Rolled back to v0.2.0, which was started again at http" in bad.error
    now_there = await bench.store.find_one(Deployment, {"runId": good.id, "status": DeploymentStatus.HEALTHY})
    assert now_there is not None
    assert await bench.sound(now_there.url) == "ding"


async def test_nothing_ran_before_the_first_that_fails(bench: Bench) -> None:
    bad = await bench.release(await bench.merged({"cracked": "yes"}, "Crack it"))
    assert bad.error is not None
    assert "Nothing ran there before." in bad.error


async def test_a_manual_strategy_waits_for_a_person_and_says_where_it_comes_from(bench: Bench) -> None:
    run = await bench.merged({}, "Ring")
    await bench.settings(deployment_strategy="manual")
    run = await bench.release(run)
    assert (run.outcome, await bench.store.find(Deployment, {"runId": run.id})) == (Outcome.SUCCEEDED, [])
    assert await bench.ask("/deployments") == []
    words = [each.msg for each in await events(bench.store, run.id)]
    assert any("deployment_strategy is manual (from: project)" in each for each in words)


async def test_the_files_of_a_release_are_whole_and_named_once(bench: Bench) -> None:
    run = await bench.release(await bench.merged({"sound.txt": "ding"}, "Ring"))
    (release,) = await bench.ask("/releases")
    assert [each["name"] for each in release["assets"]] == ["source-v0.2.0.tar.gz", "traceability.json", "SHA256SUMS"]
    files = {}
    async with bench.github() as client:
        for each in release["assets"]:
            answer = await client.get(each["url"], headers={"Accept": "application/octet-stream"})
            files[each["name"]] = answer.content
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    with tarfile.open(fileobj=io.BytesIO(files["source-v0.2.0.tar.gz"])) as archive:
        sound = archive.extractfile(f"{bench.repo.partition('/')[2]}-0.2.0/sound.txt")
        assert sound is not None
        assert sound.read() == b"ding"
    told = json.loads(files["traceability.json"])
    assert (told["run"], told["version"]) == (run.id, "0.2.0")
    (row,) = told["requirements"]
    assert all(row[cell] for cell in ("issues", "pulls", "commits", "tests"))
    assert "| **R1** It rings. | #2 | #9 | `" in release["body"]
    assert "Provenance: not attested" in release["body"]


async def test_a_requirement_without_a_test_blocks_the_release_in_words(bench: Bench) -> None:
    run = await bench.merged({}, "Ring", tests=[])
    shown = await preview_release(run.id)
    assert shown.in_the_way == ["R1 (#2) has no test"]
    run = await bench.release(run)
    assert (run.outcome, run.state, run.release) == (Outcome.FAILED, RunState.RELEASE, None)
    assert str(run.error).startswith("Nothing was released: R1 (#2) has no test.")
    assert await bench.ask("/releases") == []
    assert "refs/tags" not in bench.git("ls-remote", "origin")


async def test_where_github_keeps_no_deployments_it_is_said_and_the_release_runs(bench: Bench) -> None:
    run = await bench.merged({"sound.txt": "ding"}, "Ring")
    rule = {"fault": "refuse", "method": "POST", "path": f"/repos/{bench.repo}/deployments", "status": 404}
    async with bench.github() as client:
        (await client.post(f"{bench.addresses.github_api_url}/_sandbox/faults", json=rule)).raise_for_status()
    run = await bench.release(run)
    assert run.outcome is Outcome.SUCCEEDED, run.error
    there = await _deployment(bench, run)
    assert (there.github_id, await bench.sound(there.url)) == (None, "ding")
