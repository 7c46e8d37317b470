"""The whole story in a real browser: plan approved, merge approved, released, released again, rolled back."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import IDEA, git, new_repository
from tests.e2e.ground import Ground, until

pytestmark = [pytest.mark.timeout(900), pytest.mark.long]

LONG = 300_000  # milliseconds that a delivery may take on a busy machine


def test_plan_and_merge_approved_released_and_rolled_back(ground: Ground, browser: Browser, tmp_path: Path) -> None:
    repo = new_repository(ground.home, "story")
    with Visitor(browser, ground.told["console_url"]) as visitor:
        first = _planned(ground, visitor, repo)
        _ask_for_approval(ground, visitor, repo)
        _delivered(ground, visitor, first, "v0.2.0")
        assert _sound(ground, repo) == "0.2.0"

        _taken_out_again(ground, repo, tmp_path)  # so that the recorded agents can make it once more
        second = _planned(ground, visitor, repo)
        _delivered(ground, visitor, second, "v0.3.0")
        assert _sound(ground, repo) == "0.3.0"

        page = visitor.go("/deployments", see="Roll back …")
        visitor.pick("Deployment", f"{repo} · v0.3.0 · local · healthy")
        visitor.settled()
        page.get_by_role("button", name="Roll back …").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("v0.2.0 is deployed, and what runs there now is ended.")).to_be_visible()
        dialog.get_by_role("button", name="Roll back").click()
        until(lambda: _sound(ground, repo) == "0.2.0", "v0.2.0 runs again", 120)
        page = visitor.go("/deployments", see="Roll back …")
        box = page.get_by_role("combobox", name="Deployment")
        box.click()
        expect(page.get_by_role("option", name=f"{repo} · v0.2.0 · local · healthy").first).to_be_visible()
        expect(page.get_by_role("option", name=f"{repo} · v0.3.0 · local · healthy")).to_have_count(0)
        assert visitor.wrong == []
    for run in (first, second):
        (said,) = ground.ledger["events"].find({"runId": run, "msg": re.compile("approves the merge of #")})
        assert said["msg"].endswith("(the console)")
        assert ground.document(run)["approvedBy"] == said["data"]["by"]


def _planned(ground: Ground, visitor: Visitor, repo: str) -> str:
    """An idea in the chat, and its plan on the page; the run's id."""
    before = ground.ledger["runs"].count_documents({"repo": repo})
    visitor.say(IDEA, repo, see="How an idea is delivered")
    until(lambda: ground.ledger["runs"].count_documents({"repo": repo}) == before + 1, "the run is there")
    run = str(ground.ledger["runs"].find_one({"repo": repo}, sort=[("created_at", -1)])["_id"])
    until(lambda: ground.document(run)["outcome"] == "planned", "the plan is there", 120)
    return run


def _ask_for_approval(ground: Ground, visitor: Visitor, repo: str) -> None:
    """Let no merge into integration happen without a person."""
    page = visitor.go(f"/settings?repo={repo}", see="Where each value comes from")
    page.get_by_text("A person approves the merge").click()
    page.get_by_role("button", name="Save").click()
    settings, project = ground.ledger["settings"], ground.ledger["projects"].find_one({"repo": repo})["_id"]
    until(lambda: bool((settings.find_one({"_id": project}) or {}).get("requireApproval")), "it is kept")


def _delivered(ground: Ground, visitor: Visitor, run: str, version: str) -> None:
    """The plan approved, then the merge, then the release; each page on the way has something on it."""
    page = visitor.go(f"/run?run={run}", see="Approve")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("button", name="Approve the merge")).to_be_visible(timeout=LONG)
    assert ground.document(run)["state"] == "MERGE"
    assert version not in _tags(ground, run)
    visitor.go("/", see="waits for approval of #")
    page = visitor.go(f"/run?run={run}", see="waits for approval of #")
    page.get_by_role("button", name="Approve the merge").click()
    ground.ended(run, within=LONG / 1000)
    assert version in _tags(ground, run)
    page = visitor.go(f"/run?run={run}", see="Release")
    expect(page.get_by_text(version).first).to_be_visible()
    visitor.go(f"/issue?run={run}&issue=epic", see="Checks of GitHub")
    visitor.go(f"/code?run={run}&issue=epic", see="Merged into")


def _tags(ground: Ground, run: str) -> list[str]:
    bare = ground.home / "sandbox" / "repos" / f"{ground.document(run)['repo']}.git"
    return git(bare, "tag").split()


def _taken_out_again(ground: Ground, repo: str, place: Path) -> None:
    """A person brings integration back to what main holds, as one more commit."""
    bare, work = ground.home / "sandbox" / "repos" / f"{repo}.git", place / "work"
    git(place, "clone", "--quiet", "--branch", "integration", str(bare), str(work))
    git(work, "rm", "-r", "--quiet", ".")
    git(work, "checkout", "origin/main", "--", ".")
    git(work, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "--quiet", "-m", "Take it out again")
    git(work, "push", "--quiet", "origin", "integration")


def _sound(ground: Ground, repo: str) -> str:
    """Which version answers where the newest healthy deployment is; nothing while none does."""
    project = ground.ledger["projects"].find_one({"repo": repo})["_id"]
    newest = ground.ledger["deployments"].find_one(
        {"projectId": project, "status": "healthy"}, sort=[("updated_at", -1)]
    )
    try:
        return str(httpx.get(f"{newest['url']}/healthz", timeout=5).json()["version"]) if newest else ""
    except httpx.HTTPError:
        return ""
