"""The console in a real browser, on a real stack: from an idea to a release by hand, and every page looked at."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Error, expect

from benchmarks.viewers import Viewer
from tests.e2e.browser import PICTURES, WIDTHS, Visitor
from tests.e2e.conftest import IDEA, new_repository, processes_of
from tests.e2e.ground import Ground, slow_agents, until

pytestmark = [pytest.mark.timeout(1200), pytest.mark.slow]


@pytest.fixture(scope="module")
def ground(stack: Path) -> Iterator[Ground]:
    """The stack, with agents that can be held up."""
    with slow_agents(stack) as made:
        yield made


@pytest.fixture(scope="module")
def delivered(ground: Ground, browser: Browser) -> str:
    """A run that a person has led from an idea to a release in the browser; its id."""
    repo = new_repository(ground.home, "by-hand")
    with Visitor(browser, ground.told["console_url"]) as visitor:
        run = _led(ground, visitor, repo)
        assert visitor.wrong == []
    return run


def _led(ground: Ground, visitor: Visitor, repo: str) -> str:
    """Lead an idea from the chat to its release."""
    page = visitor.say(IDEA, repo, see="Nothing was said about this repository yet")
    expect(page.get_by_text("I show the plan before any code is written").first).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=120_000)
    visitor.settled()
    visitor.picture("plan")
    ground.hold(on=True)
    ground.fail("cli-budget", on=True)
    page.get_by_role("button", name="Approve").click()
    run = str(ground.ledger["runs"].find_one({"repo": repo})["_id"])
    until(lambda: ground.document(run)["outcome"] is None, "the approved run goes on")
    assert ground.document(run)["approvedBy"]

    page = visitor.go(f"/run?run={run}", see="works on it")
    ground.wait_for_agent(run)
    visitor.picture("working")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert ground.document(run)["interrupt"]["paused"]
    expect(page.get_by_text(re.compile("Paused by .* from the console")).first).to_be_visible()
    ground.hold(on=False)
    page.get_by_role("button", name="Resume").click()

    until(lambda: ground.document(run)["outcome"] == "failed", "the leaf that fails stops the run", 240)
    expect(page.get_by_text(re.compile("stopped: ")).first).to_be_visible()
    visitor.picture("needs-you")
    ground.fail("cli-budget", on=False)
    page = visitor.go(f"/issue?run={run}&issue=cli-budget", see="✗")
    page.get_by_role("button", name="Retry").click()
    until(lambda: ground.document(run)["outcome"] is None, "the retried run goes on")
    ground.ended(run)
    page = visitor.go(f"/run?run={run}", see="Release")
    expect(page.get_by_role("listitem").filter(has_text="Release").filter(has_text="done")).to_be_visible()
    return run


# Both widths and both themes; all four together when pictures are made.
LOOKS = [("phone", True), ("desk", False), *([("phone", False), ("desk", True)] if PICTURES else [])]
PAGES = {
    "home": ("/", "Done ("),
    "new": ("/new?repo=demo/by-hand", "is on its way"),
    "run": ("/run?run={run}", "Issues done"),
    "plan": ("/run?run={run}&tab=Plan", "Time to the end"),
    "graph": ("/run?run={run}&tab=Graph", "is part of"),
    "times": ("/run?run={run}&tab=Times", "Stage: Build"),
    "said": ("/run?run={run}&tab=Agents", "Made"),
    "log": ("/run?run={run}&tab=Log", "Download"),
    "issue": ("/issue?run={run}&issue=cli-budget", "Criteria"),
    "code": ("/code?run={run}&issue=cli-budget", "Merged into"),
    "deployments": ("/deployments", "Deploy once more"),
    "agents": ("/agents", "What it reads first"),
    "settings": ("/settings?repo=demo/by-hand", "Rounds of fixing"),
    "audit": ("/audit?run={run}", "is whole"),
}


@pytest.mark.parametrize(
    ("name", "size", "dark"),
    [*[(name, *look) for name in PAGES for look in LOOKS], ("home", "wall", True), ("run", "wall", False)],
)
def test_every_page_is_sound(
    ground: Ground, browser: Browser, delivered: str, name: str, size: str, dark: bool
) -> None:
    address, see = PAGES[name]
    with Visitor(browser, ground.told["console_url"], width=WIDTHS[size], dark=dark) as visitor:
        page = visitor.go(address.format(run=delivered), see=see)
        visitor.picture(f"{name}-{size}-{'dark' if dark else 'light'}")
        assert visitor.violations() == []
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{wide} pixels too wide"
        assert visitor.wrong == []
        assert [each for each in visitor.asked if not each.startswith((visitor.base, "data:", "blob:"))] == []


def test_the_way_back_works(ground: Ground, browser: Browser, delivered: str) -> None:
    with Visitor(browser, ground.told["console_url"]) as visitor:
        page = visitor.go("/", see=f"Open {delivered}")
        page.get_by_text(f"Open {delivered}").first.click()
        page.wait_for_url(f"**/run?run={delivered}")
        expect(page.get_by_text("Issues done").first).to_be_visible()
        page.go_back()
        expect(page.get_by_text(f"Open {delivered}").first).to_be_visible()


def test_many_who_come_at_once_all_see_the_page(ground: Ground, delivered: str) -> None:
    base = ground.told["console_url"]

    async def come() -> list[list[str]]:
        async with AsyncExitStack() as held:
            viewers = [await held.enter_async_context(Viewer(base, "run", f"run={delivered}")) for _ in range(12)]
            async with asyncio.timeout(60):
                await asyncio.gather(*(each.sees("Issues done") for each in viewers))
            return [each.wrong for each in viewers]

    with ThreadPoolExecutor() as aside:  # Playwright's own loop runs in this thread
        assert aside.submit(lambda: asyncio.run(come())).result() == [[]] * 12


def test_prefect_that_does_not_answer_is_said_until_it_does(ground: Ground, browser: Browser, delivered: str) -> None:
    servers = [each for each in processes_of(ground.home) if "prefect.server.api.server:create_app" in each.cmdline()]
    assert servers
    with Visitor(browser, ground.told["console_url"]) as visitor:
        page = visitor.go("/", see="✓ Prefect")
        for server in servers:
            server.suspend()
        try:
            expect(page.get_by_text("✗ Prefect").first).to_be_visible()
            expect(page.get_by_text("Done (").first).to_be_visible()
        finally:
            for server in servers:
                server.resume()
        expect(page.get_by_text("✓ Prefect").first).to_be_visible()


def test_a_frozen_page_stands_still(ground: Ground, browser: Browser, delivered: str) -> None:
    with Visitor(browser, ground.told["console_url"]) as visitor:
        page = visitor.go(f"/run?run={delivered}", see="Issues done")
        page.get_by_text("Freeze").click()
        visitor.settled()
        page.wait_for_timeout(1500)  # a look that was on its way
        ground.ledger["runs"].update_one({"_id": delivered}, {"$set": {"spec.title": "A title not to be seen yet"}})
        page.wait_for_timeout(3500)
        expect(page.get_by_text("A title not to be seen yet")).to_have_count(0)
        page.get_by_text("Freeze").click()
        expect(page.get_by_text("A title not to be seen yet").first).to_be_visible()


def test_what_is_written_is_seen_without_a_touch(ground: Ground, browser: Browser, delivered: str) -> None:
    with Visitor(browser, ground.told["console_url"]) as visitor:
        page = visitor.go(f"/run?run={delivered}", see="Issues done")
        ground.ledger["runs"].update_one({"_id": delivered}, {"$set": {"spec.title": "A title seen at once"}})
        expect(page.get_by_text("A title seen at once").first).to_be_visible()


def test_the_console_killed_in_the_middle_changes_nothing(ground: Ground, browser: Browser) -> None:
    ground.hold(on=True)
    run = ground.begin("console-killed")
    ground.wait_for_agent(run)
    base = ground.told["console_url"]
    with Visitor(browser, base) as visitor:
        visitor.go(f"/run?run={run}", see="works on it")
        (console,) = [each for each in processes_of(ground.home) if "streamlit" in " ".join(each.cmdline())]
        os.kill(console.pid, signal.SIGKILL)
        psutil.wait_procs([console], 10)
        ground.hold(on=False)
        ground.ended(run)
    with Visitor(browser, base) as again:
        until(lambda: _answers(again), "the console is started again", 60)
        page = again.go(f"/run?run={run}", see="Issues done")
        expect(page.get_by_role("listitem").filter(has_text="Release").filter(has_text="done")).to_be_visible()


def _answers(visitor: Visitor) -> bool:
    try:
        return visitor.page.request.get(f"{visitor.base}/_stcore/health").ok
    except Error:  # refused while nobody listens
        return False
