"""A console without a worker: what it stands on stops while people look, and a click on the graph leads to an issue.

Every page says so when MongoDB or Prefect is away, claims nothing that it does not know, and comes back by itself.
"""

from __future__ import annotations

import contextlib
import getpass
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, TimeoutError, expect

from deployments.stack import LocalStack, StackAddresses
from ledger.issues import store_plan
from ledger.models import IssueType, Plan, PlanNode
from ledger.runs import create_run
from ledger.store import Store
from tests.e2e.browser import Visitor

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

# Every page, and what is there once the ledger answers.
PAGES = {
    "/": "Running (1)",
    "/new?repo={repo}": "Nothing was said about this repository yet",
    "/run": "r-",
    "/run?run={run}": "Issues done",
    "/run?run={run}&tab=Log": "Of stage",
    "/issue?run={run}&issue=a": "Round",
    "/code?run={run}": "Choose a branch",
    "/deployments": "Nothing is deployed yet",
    "/agents": "What it reads first",
    "/settings?repo={repo}": "Rounds of fixing",
    "/audit?run={run}": "is whole",
}
PROGRAMS = {"MongoDB": "--replSet", "Prefect": "prefect.server.api.server:create_app"}


@dataclass(frozen=True)
class Place:
    """Where the console is, the run that is there, and its repository, which has a pull request of somebody."""

    url: str
    run: str
    repo: str


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A console with its ledger and a Prefect server."""
    home = tmp_path_factory.mktemp("away")
    async with LocalStack(home, fixed_ports=False, parts=("mongodb", "prefect", "sandbox", "console")) as stack:
        store = await Store.open(stack.addresses.mongodb_uri, "shipline")
        repo = await _pull_request(stack.addresses)
        run = await create_run(store, "Let it say hello.", repo, "main")
        nodes = [
            PlanNode(key="epic", type=IssueType.EPIC, title="Words"),
            PlanNode(key="a", type=IssueType.TASK, title="Say it", parent="epic"),
        ]
        await store_plan(store, run, Plan(nodes=nodes))
        await store.close()
        yield Place(stack.addresses.console_url, run.id, repo)


async def _pull_request(addresses: StackAddresses) -> str:
    """A repository with one that no run has opened; its name."""
    headers = {"Authorization": f"Bearer {addresses.github_token}"}
    async with httpx.AsyncClient(base_url=addresses.github_api_url, headers=headers) as github:
        repo = (await github.post("/user/repos", json={"name": "alone", "auto_init": True})).json()["full_name"]
        at = (await github.get(f"/repos/{repo}/git/ref/heads/main")).json()["object"]["sha"]
        await github.post(f"/repos/{repo}/git/refs", json={"ref": "refs/heads/side", "sha": at})
        file = {"message": "m", "content": "aGVsbG8=", "branch": "side"}
        await github.put(f"/repos/{repo}/contents/side.txt", json=file)
        asked = {"head": "side", "base": "main", "title": "By hand"}
        (await github.post(f"/repos/{repo}/pulls", json=asked)).raise_for_status()
    return str(repo)


@contextmanager
def _held_up(service: str) -> Iterator[None]:
    """The service is stopped in the middle of whatever it does, and goes on at the end."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # short ones come and go meanwhile
            if PROGRAMS[service] in " ".join(each.cmdline()):
                found.append(each)
    assert found
    for each in found:
        each.suspend()
    try:
        yield
    finally:
        for each in found:
            each.resume()


@pytest.mark.parametrize("service", ["MongoDB", pytest.param("Prefect", marks=pytest.mark.long)])
def test_every_page_says_what_is_away_and_comes_back_by_itself(place: Place, browser: Browser, service: str) -> None:
    said = f"{service}.* does not answer|{service} has not answered"
    with ExitStack() as held:
        visitors = {path: held.enter_context(Visitor(browser, place.url)) for path in PAGES}
        for path, see in PAGES.items():
            visitors[path].go(path.format(run=place.run, repo=place.repo), see=see)
        with _held_up(service):
            for path, visitor in visitors.items():
                expect(visitor.page.get_by_text(re.compile(said)).first, path).to_be_visible()
            for path, visitor in visitors.items():  # and one that comes while it is away
                visitor.page.reload()
                expect(visitor.page.get_by_text(re.compile(said)).first, path).to_be_visible()
                if service == "MongoDB":
                    expect(visitor.page.get_by_text("No run yet")).to_have_count(0)
        for path, see in PAGES.items():
            page = visitors[path].page
            expect(page.get_by_text(see).filter(visible=True).first, path).to_be_visible()
            expect(page.get_by_text(re.compile(said)), path).to_have_count(0)
            assert visitors[path].wrong == [], path


def test_a_click_on_the_graph_opens_the_issue(place: Place, browser: Browser) -> None:
    with Visitor(browser, place.url) as visitor:
        page = visitor.go(f"/run?run={place.run}&tab=Graph", see="is part of")
        for _ in range(10):  # a chart that is just drawn anew hears no click
            spot = page.locator(".scatterlayer .points path").nth(1).bounding_box()
            if spot is not None:
                page.mouse.click(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
            with contextlib.suppress(TimeoutError):
                page.wait_for_url(re.compile(r"/issue\?.*issue=a"), timeout=10_000)
                break
        expect(page.get_by_text("Say it").first).to_be_visible()
        assert visitor.wrong == []


def test_the_filters_of_home_are_in_its_address(place: Place, browser: Browser) -> None:
    with Visitor(browser, place.url) as visitor:
        page = visitor.go("/?find=nothing+like+it&show=Running", see="Running (0)")
        expect(page.get_by_role("textbox", name="Find")).to_have_value("nothing like it")
        page.goto(f"{place.url}/?find=hello&of={quote(place.repo, safe='')}")
        expect(page.get_by_text(f"Open {place.run}").first).to_be_visible()
        expect(page.get_by_text("Done (0)").first).to_be_visible()


def test_a_budget_is_set_on_the_page_of_its_run(place: Place, browser: Browser) -> None:
    with Visitor(browser, place.url) as visitor:
        page = visitor.go(f"/run?run={place.run}", see="Issues done")
        page.get_by_role("button", name="Budget …").click()
        page.get_by_label("Budget in US dollars").fill("5")
        page.get_by_label("Tokens").fill("7000")
        page.get_by_label("Tokens").press("Tab")
        page.get_by_role("button", name="Set the budget").click()
        expect(page.get_by_text("$0 of $5.00").first).to_be_visible()
        expect(page.get_by_text("0 of 7,000").first).to_be_visible()


def test_a_pull_request_is_merged_by_who_presses(place: Place, browser: Browser) -> None:
    with Visitor(browser, place.url) as visitor:
        page = visitor.go(f"/code?run={place.run}", see="Choose a branch")
        page.get_by_text("Show the open pull requests").click()
        page.get_by_role("button", name="Merge …").click()
        page.get_by_role("button", name="Merge it").click()
        expect(page.get_by_text("None is open.").first).to_be_visible()
        page = visitor.go(f"/new?repo={place.repo}", see="is merged as")
        expect(page.get_by_text(f"{getpass.getuser()} ·").first).to_be_visible()
