"""The Actions target: the repository's own script deploys a commit, run by act, and its words are what came of it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ledger.effects import Key
from ledger.models import Dispatch, EffectKind, ReleaseInfo, Run
from tasks.context import Context
from tasks.deploy.on_actions import ActionsTarget
from tasks.deploy.ports import DeployFailed, Order
from tasks.github.repo import Repo
from tasks.state import Here
from tests.integration.actions.conftest import REPO, Ground

pytestmark = pytest.mark.timeout(240)
SCRIPT = ".github/shipline/deploy.sh"


async def _order(ctx: Context, run: Run, ground: Ground, script: str) -> Order:
    """A release whose commit has this script; ``main`` stays without."""
    branch = f"deploying-{run.id}"
    repo = Repo(ctx.github, REPO)
    await repo.create_branch(branch, str(await repo.branch_sha("main")))
    content = base64.b64encode(script.encode()).decode()
    body = {"message": "Deploy", "content": content, "branch": branch}
    known = await ground.github.get(f"/repos/{REPO}/contents/{SCRIPT}", params={"ref": branch})
    if known.status_code == 200:
        body["sha"] = known.json()["sha"]
    made = await ground.github.put(f"/repos/{REPO}/contents/{SCRIPT}", json=body)
    sha = made.raise_for_status().json()["commit"]["sha"]
    release = ReleaseInfo(version="0.2.0", tag="v0.2.0", sha=sha, url="the page", audit_seq=1, audit_hash="h")
    key = Key(run.id, "run", "1", EffectKind.DEPLOY, "staging")
    nowhere = ctx.settings.home / "nowhere"
    return Order(Here(ctx, run, repo), key, "label", "staging", release, nowhere, nowhere)


async def test_it_runs_where_the_script_says(ctx: Context, run: Run, ground: Ground) -> None:
    script = 'echo "brought $ENVIRONMENT up at https://staging.example.org/bell"\n'
    order = await _order(ctx, run, ground, script)
    done = await ActionsTarget().start(order)
    assert (done.target, done.url) == ("actions", "https://staging.example.org/bell")
    again = await ActionsTarget().start(order)  # as a worker does that died before it wrote it down
    assert again == done
    (sent,) = await ctx.store.find(Dispatch, {"runId": run.id, "eventType": "deploy.request"})
    assert sent.payload["params"] == {"environment": "staging", "sha": order.release.sha}


async def test_a_script_that_fails_is_a_deployment_that_failed(ctx: Context, run: Run, ground: Ground) -> None:
    order = await _order(ctx, run, ground, "echo the cloud is full; exit 3\n")
    with pytest.raises(DeployFailed, match="ended with 3: the cloud is full"):
        await ActionsTarget().start(order)


def test_without_a_script_there_is_nothing_to_deploy(tmp_path: Path) -> None:
    assert ActionsTarget().lacks(tmp_path, None) == f"the repository has no {SCRIPT}"
    (tmp_path / SCRIPT).parent.mkdir(parents=True)
    (tmp_path / SCRIPT).touch()
    assert ActionsTarget().lacks(tmp_path, None) is None
