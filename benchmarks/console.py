"""(g) The console with a run of 500 issues and 100,000 events: how soon a change is seen, and how fast a page is."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.measure import Figure, Spread, percentile
from benchmarks.timeline import fill
from benchmarks.trees import regular
from benchmarks.viewers import Viewer
from benchmarks.world import World
from deployments.stack import LocalStack
from ledger.issues import store_plan
from ledger.models import AgentInput, AgentRun, Issue, IssueStatus, Run, RunState
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import ConfigError

LEAVES, EVENTS = 450, 100_000  # with 45 features, an epic and a few more: 500 issues
OPENED, SEEN, VIEWERS, WATCHED = 10, 40, 20, 20
LIVE, OPEN, RERUN = 1.5, 2.0, 0.3  # seconds
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
SHOWN = "text => document.body.innerText.includes(text)"


async def measure(world: World) -> list[Figure]:
    """All four, in one browser."""
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="shipline-benchmarks-")))
        stack = await held.enter_async_context(LocalStack(folder, fixed_ports=False, parts=("mongodb", "console")))
        uri = stack.addresses.mongodb_uri
        store = await Store.open(uri, "shipline")
        held.push_async_callback(store.close)
        run = await large_run(store, world, uri)
        browser = await held.enter_async_context(_chromium())
        at = Place(stack.addresses.console_url, uri, store, run)
        return [await opened(world, at, browser), await seen(world, at, browser), *(await watched(world, at, browser))]


class Place:
    """Where the console is, and the run that is looked at."""

    def __init__(self, console: str, mongodb: str, store: Store, run: Run) -> None:
        self.console, self.mongodb, self.store, self.run = console, mongodb, store, run
        self.page = f"{console}/run?run={run.id}"
        self._number = 1

    @property
    def next(self) -> str:
        """What the page will show after the next change."""
        return f"Seen {self._number:05}"

    async def change(self) -> str:
        """Write something to the ledger that the page shows; what to look for."""
        title = self.next
        self._number += 1
        spec = {"title": title, "problem": "p", "goals": ["g"], "requirements": [{"id": "R1", "text": "t"}],
                "acceptanceCriteria": ["c"], "nonGoals": [], "risks": [], "testPlan": []}  # fmt: skip
        await self.store.change(Run, self.run.id, {"spec": spec})
        return title


async def large_run(store: Store, world: World, uri: str) -> Run:
    """A run in the middle of its work: a third of its leaves is done, some are in work, an agent run for each."""
    run = await create_run(store, "A large change.", "org/large", "main")
    await store_plan(store, run, regular(LEAVES))
    await store.change(Run, run.id, {"state": RunState.EXECUTION_LOOP})
    leaves = [f"t{number:05}" for number in range(LEAVES)]
    for number, key in enumerate(leaves):
        status = IssueStatus.DONE if number % 3 == 0 else IssueStatus.IN_PROGRESS if number < 8 else IssueStatus.NEW
        await store.change(Issue, f"{run.id}/{key}", {"status": status, "number": number + 10})
        await store.insert(
            AgentRun(
                id=f"{run.id}/{key}/1", run_id=run.id, agent_id="developer", project_id=run.project_id, node_key=key,
                round="1", input=AgentInput(repo=run.repo, objective="Work " * 200),
            )
        )  # fmt: skip
    begun = (await store.get(Run, run.id)).chain.seq
    fill(uri, world, 2_000 if world.quick else EVENTS, "shipline", run.id, begun + 1)
    return run


async def opened(world: World, at: Place, browser: Browser) -> Figure:
    """From the address to the tree on the screen, in a new tab with an empty cache; beside a page that asks nothing."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in world.track("(g) a page is opened", OPENED, quick=2):
        mine.append(await _until(browser, at.page, "Work on t00449"))
        theirs.append(await _until(browser, f"{at.console}/issue", "Open an issue from its run"))
    return _limited(
        "g.open", "the run page of 500 issues, to its last line", mine, "a page that asks nothing", theirs, OPEN
    )


async def seen(world: World, at: Place, browser: Browser) -> Figure:
    """From the write to the browser, with one viewer; beside the write alone."""
    page = await _open(browser, at.page)
    mine: list[float] = []
    theirs: list[float] = []
    for number in world.track("(g) a change is seen", SEEN, quick=3):
        await asyncio.sleep(0.1 + 0.037 * (number % 27))  # at any moment of the page's second
        began = time.perf_counter()
        wanted = await at.change()
        theirs.append(time.perf_counter() - began)
        await page.wait_for_function(SHOWN, arg=wanted)
        mine.append(time.perf_counter() - began)
    await page.context.close()
    return _limited(
        "g.live", "from a ledger write to the browser, p95", mine, "the write", theirs, LIVE, judge_p95=True
    )


async def watched(world: World, at: Place, browser: Browser) -> list[Figure]:
    """Twenty viewers at once, one of them Chromium: errors, how soon they see a change, and what one rerun takes."""
    page = await _open(browser, at.page)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    drawn: list[float] = []
    mine: list[float] = []
    theirs: list[float] = []
    count = world.count(VIEWERS, 3)
    async with AsyncExitStack() as held:
        query = f"run={at.run.id}"
        others = [await held.enter_async_context(Viewer(at.console, "run", query)) for _ in range(count - 1)]
        for _ in world.track(f"(g) {count} viewers", WATCHED, quick=3):
            began = time.perf_counter()
            waits = [asyncio.create_task(_seconds(viewer.sees(at.next), began)) for viewer in others]
            wanted = await at.change()
            theirs.append(time.perf_counter() - began)
            waits.append(asyncio.create_task(_seconds(page.wait_for_function(SHOWN, arg=wanted), began)))
            taken = await asyncio.wait_for(asyncio.gather(*waits), 60)
            mine += taken
            drawn.append(taken[-1])
            await asyncio.sleep(0.37)
        wrong += [each for viewer in others for each in viewer.wrong]
    lost = await page.get_by_text("Connection").count()
    await page.context.close()
    if wrong or lost:
        raise AssertionError(f"{len(wrong)} errors and {lost} lost connections: {wrong[:3]}")
    reruns, empty = await _reruns(at, world.count(SEEN, 3))
    told = [
        f"{count} viewers at once, no error; one is Chromium (its p95: {percentile(drawn, 95):.2f} s)",
        "the others speak Streamlit's protocol and draw nothing",
    ]
    return [
        _limited("g.viewers", f"the same with {count} viewers, p95", mine, "the write", theirs, LIVE,
                 judge_p95=True, notes=told),
        _limited("g.rerun", "a rerun of the whole run page on the server, p95", reruns, "a page that asks nothing",
                 empty, RERUN, judge_p95=True),
    ]  # fmt: skip


async def _seconds(what: Awaitable[object], since: float) -> float:
    await what
    return time.perf_counter() - since


async def _reruns(at: Place, times: int) -> tuple[list[float], list[float]]:
    environment = {**os.environ, "SHIPLINE_MONGODB_URI": at.mongodb, "SHIPLINE_DATABASE": "shipline"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.reruns", at.run.id, str(times), env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, said = await process.communicate()
    if process.returncode:
        raise AssertionError(said.decode()[-2000:])
    mine, theirs = json.loads(out.decode().splitlines()[-1])
    return mine, theirs


def _limited(
    key: str, what: str, mine: Sequence[float], baseline: str, theirs: Sequence[float], bound: float, *,
    judge_p95: bool = False, notes: Sequence[str] = (),
) -> Figure:  # fmt: skip
    spread, beside = Spread.of(mine), Spread.of(theirs)
    judged = percentile(mine, 95) if judge_p95 else spread.median
    return Figure(
        key, what, "s", spread, baseline, beside, spread.median / beside.median, bound, judged, absolute=True,
        stubbed="the run was written in bulk", notes=list(notes),
    )  # fmt: skip


async def _open(browser: Browser, address: str) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(address)
    await page.wait_for_function(SHOWN, arg="Issues done")
    return page


async def _until(browser: Browser, address: str, text: str) -> float:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    began = time.perf_counter()
    await page.goto(address)
    await page.wait_for_function(SHOWN, arg=text)
    seconds = time.perf_counter() - began
    await context.close()
    return seconds


class _chromium:
    """``async with`` it: a headless Chromium of this machine."""

    async def __aenter__(self) -> Browser:
        program = shutil.which("chromium")
        if program is None:
            raise ConfigError("There is no Chromium here.", "Install it (Debian: apt-get install chromium).")
        self._playwright: Any = await async_playwright().start()
        self._browser: Browser = await self._playwright.chromium.launch(executable_path=program, args=FLAGS)
        return self._browser

    async def __aexit__(self, *_: object) -> None:
        await self._browser.close()
        await self._playwright.stop()
