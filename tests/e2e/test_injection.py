"""Whatever agents and people on GitHub write is shown on every page as it is: nothing of it runs, links or loads."""

from __future__ import annotations

import asyncio
import base64
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, Union
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Dialog, Page
from pydantic import ValidationError

from deployments.stack import LocalStack, StackAddresses
from ledger.models import (
    Agent,
    AgentInput,
    AgentOutput,
    AgentRun,
    AgentRunStatus,
    AgentType,
    CheckReport,
    CiStatus,
    DefectOrigin,
    Deployment,
    DeploymentStatus,
    DocVersion,
    Effect,
    EffectStatus,
    Engine,
    EventType,
    Finding,
    Held,
    Interrupt,
    Issue,
    IssueStatus,
    IssueType,
    Lease,
    Message,
    Model,
    OnboardingDoc,
    Outcome,
    Project,
    Requirement,
    Run,
    RunState,
    Severity,
    Spec,
    UserSettings,
    Verdict,
    now,
)
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import append, event
from tests.e2e.browser import Visitor, chromium

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
M = TypeVar("M", bound=Model)

EVIL = "evil.invalid"
MARK = "<script>"
POISON = (
    f"<script>window.hacked=1</script> <img src=http://{EVIL}/i onerror=window.hacked=1> ![p](http://{EVIL}/p.png) "
    f"[l](javascript:window.hacked=1) [m](http://{EVIL}/m) http://{EVIL}/bare <http://{EVIL}/angle> "
    f"</code></pre><svg onload=window.hacked=1></svg> <style>body{{display:none}}</style> {{0.__class__}} $\\frac12$ "
    f"'\"><iframe src=http://{EVIL}/f></iframe>"
)
SHORT = f"<script>hacked=1</script><img src=//{EVIL}/i>"


def poisoned(model: type[M], **known: Any) -> M:
    """A value of the model with the text in every field that takes one; ``known`` are the others."""
    values = dict(known)
    for name, field in model.model_fields.items():
        if name in values or name in ("id", "created_at", "updated_at"):
            continue
        found = _poison(field.annotation)
        if found is not None:
            values[name] = found
    return model(**values)


def _poison(kind: Any) -> Any:
    if kind is str:
        return POISON
    if isinstance(kind, type) and issubclass(kind, Model):
        try:
            return poisoned(kind)
        except ValidationError:  # it takes more than texts
            return None
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return next((found for each in inside if (found := _poison(each)) is not None), None)
    if origin is list:
        found = _poison(inside[0])
        return None if found is None else [found]
    if origin is dict and inside == (str, Any):
        return {"text": POISON}
    return None


async def _pull_request(addresses: StackAddresses) -> tuple[str, int]:
    """A pull request whose title, text, file, diff, comments and reviews are the poison: repository and number."""
    headers = {"Authorization": f"Bearer {addresses.github_token}"}
    async with httpx.AsyncClient(base_url=addresses.github_api_url, headers=headers) as client:

        async def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
            answer = await client.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json()

        repo = (await ask("POST", "/user/repos", {"name": "poisoned", "auto_init": True}))["full_name"]
        base = await ask("GET", f"/repos/{repo}/git/ref/heads/main")
        await ask("POST", f"/repos/{repo}/git/refs", {"ref": "refs/heads/evil", "sha": base["object"]["sha"]})
        path, text = quote(SHORT.replace("/", ":")), base64.b64encode(f"{POISON}\n".encode()).decode()
        file = {"message": POISON, "content": text, "branch": "evil"}
        await ask("PUT", f"/repos/{repo}/contents/{path}", file)
        asked = {"title": POISON, "body": POISON, "head": "evil", "base": "main"}
        number = int((await ask("POST", f"/repos/{repo}/pulls", asked))["number"])
        await ask("POST", f"/repos/{repo}/issues/{number}/comments", {"body": POISON})
        remark = {"path": SHORT.replace("/", ":"), "line": 1, "body": POISON}
        review = {"event": "COMMENT", "body": POISON, "comments": [remark]}
        await ask("POST", f"/repos/{repo}/pulls/{number}/reviews", review)
    return repo, number


async def _fill(store: Store, repo: str, pull: int) -> str:
    """A run whose every text is the poison; its id."""
    run = await create_run(store, POISON, repo, "main", dry_run=True)
    spec = poisoned(Spec, title=SHORT, requirements=[Requirement(id="R1", text=POISON)])
    stopped = Interrupt(paused=True, by=POISON, reason=POISON, since=now())
    values = {
        "spec": spec.model_dump(by_alias=True), "state": RunState.EXECUTION_LOOP, "error": POISON,
        "interrupt": stopped.model_dump(by_alias=True), "outcome": Outcome.PLANNED,
    }  # fmt: skip
    await store.change(Run, run.id, values)
    about: dict[str, Any] = {"run_id": run.id, "project_id": run.project_id, "repo": repo}
    origin = poisoned(DefectOrigin)
    for key, parent, kind, more in (
        ("epic", None, IssueType.EPIC, {"failure": None, "status": IssueStatus.IN_PROGRESS}),
        ("a", "epic", IssueType.TASK, {"pr_number": pull, "held": poisoned(Held, allowed_by=None)}),
        ("b", "epic", IssueType.TASK, {"failure": None, "dependencies": ["a"]}),
        ("a.d1", "a", IssueType.DEFECT, {"failure": None, "origin": origin}),
    ):  # fmt: skip
        known = {**about, "key": key, "parent": parent, "type": kind, "dependencies": [], **more}
        await store.insert(poisoned(Issue, id=f"{run.id}/{key}", **known))
    await store.insert(_agent_run(run))
    finding = poisoned(Finding, severity=Severity.CRITICAL)
    report = poisoned(CheckReport, verdict=Verdict.FAILED, findings=[finding])
    checked = f"{run.id}/trees/1/qa/x"
    lease = Lease(owner="me", until=now())
    outcome = {"text": POISON, "reports": [report.model_dump(by_alias=True)]}
    for done, node in ((checked, "trees"), (f"{run.id}/a/1/push", "a")):
        await store.insert(
            poisoned(Effect, id=done, run_id=run.id, node_key=node, lease=lease, status=EffectStatus.FAILED,
                     outcome=outcome, outbox=[])
        )  # fmt: skip
    for of in ("a", None):
        await append(store, run.id, event(EventType.STEP_FAILED, "QA", POISON, node=of, data={"effect": checked}))
    await store.insert(poisoned(Message, id="m", project_id=run.project_id, run_id=run.id))
    deployed = {**about, "environment": SHORT, "version": "1.0.0", "status": DeploymentStatus.HEALTHY}
    await store.insert(poisoned(Deployment, id="d", **deployed))
    await store.insert(
        poisoned(Agent, id="code-reviewer", type=AgentType.CODE_REVIEWER, engine=Engine.CURSOR, project_id=None,
                 onboarding_doc_ref="onboarding/reviewer.md", history=[])
    )  # fmt: skip
    before = DocVersion(version=1, text=POISON, by=POISON, at=now())
    await store.insert(OnboardingDoc(id="onboarding/reviewer.md", text=POISON, version=2, earlier=[before]))
    await store.insert(poisoned(CiStatus, id="ci", repo=repo))
    await store.change(UserSettings, run.project_id, {"deploymentEnv": SHORT})
    await store.change(Project, run.project_id, {"name": POISON})
    return run.id


def _agent_run(run: Run) -> AgentRun:
    asked, said = poisoned(AgentInput, repo=run.repo), poisoned(AgentOutput)
    known = {
        "run_id": run.id,
        "project_id": run.project_id,
        "node_key": "a",
        "round": "1",
        "input": asked,
        "output": said,
    }
    return poisoned(AgentRun, id="agent", **known, status=AgentRunStatus.FAILED)


TABS = ("Issues", "Plan", "Graph", "Times", "Agents", "Log")
ADDRESSES = (
    "/", "/new?repo={repo}", *(f"/run?run={{run}}&tab={tab}" for tab in TABS), "/issue?run={run}&issue=a",
    "/issue?run={run}&issue=a.d1", "/code?run={run}&issue=a", "/deployments", "/agents?agent=code-reviewer",
    "/settings?repo={repo}", "/audit?run={run}",
)  # fmt: skip
WITH_CHANGE = "/issue?run={run}&issue=a"
# In canvases and in fields the text is no text of the page; there the other assertions alone speak.
SHOWN = ("/", "/new", "/run?run={run}&tab=Issues", "/run?run={run}&tab=Log", "/issue", "/code")


async def test_nothing_of_it_runs_links_or_loads(tmp_path: Path) -> None:
    parts = ("mongodb", "sandbox", "console")
    async with LocalStack(tmp_path / "home", fixed_ports=False, parts=parts) as stack:
        store = await Store.open(stack.addresses.mongodb_uri, "shipline")
        repo, pull = await _pull_request(stack.addresses)
        run = await _fill(store, repo, pull)
        await store.close()
        await asyncio.to_thread(_look_everywhere, stack.addresses.console_url, repo, run)


def _look_everywhere(base: str, repo: str, run: str) -> None:
    with chromium() as browser:
        with Visitor(browser, base) as visitor:  # what is said back is Markdown of ours with their text in it
            page = visitor.go(f"/new?repo={repo}", see="New idea")
            said = page.get_by_test_id("stChatInputTextArea")
            said.fill(f"/retry ![x](http://{EVIL}/p.png)<http://{EVIL}>http://{EVIL}")
            said.press("Enter")
            page.get_by_text("has no issue").first.wait_for()
            _is_inert(visitor, "in an answer")
        for address in ADDRESSES:
            with Visitor(browser, base) as visitor:
                opened: list[str] = []
                visitor.page.on("dialog", _noted(opened))
                page = visitor.go(address.format(run=run, repo=repo), see="Home")
                if address in OPENED:
                    OPENED[address](page)
                if address == WITH_CHANGE:
                    page.get_by_text("Show what pull request").click()
                    page.get_by_text(SHORT.replace("/", ":")).first.click()
                    page.locator("article").nth(2).wait_for()
                page.wait_for_timeout(2500)
                told = f"on {address}"
                assert opened == [], told
                _is_inert(visitor, told)
                if address.startswith(SHOWN[1:]) or address == "/":
                    assert MARK in page.inner_text("body"), told


def _preview_idea(page: Page) -> None:
    page.get_by_text("Write at length").click()
    text = page.get_by_role("textbox", name="Idea, in Markdown")
    text.fill(POISON)
    text.press("Control+Enter")
    page.get_by_role("tab", name="Preview").click()


def _preview_document(page: Page) -> None:
    page.get_by_role("tab", name="Versions").click()
    page.get_by_role("tab", name="Preview").click()


def _pull_requests(page: Page) -> None:
    page.get_by_text("Show the open pull requests").click()
    page.get_by_role("button", name="Merge …").first.wait_for()


OPENED: dict[str, Callable[[Page], None]] = {
    "/new?repo={repo}": _preview_idea,
    "/agents?agent=code-reviewer": _preview_document,
    "/code?run={run}&issue=a": _pull_requests,
}


def _noted(opened: list[str]) -> Callable[[Dialog], None]:
    def note(dialog: Dialog) -> None:
        opened.append(dialog.message)
        dialog.dismiss()

    return note


def _is_inert(visitor: Visitor, told: str) -> None:
    page = visitor.page
    assert page.evaluate("window.hacked") is None, told
    assert [each for each in visitor.asked if EVIL in each] == [], told
    links = page.eval_on_selector_all("[href], [src]", "all => all.map(e => e.href || e.src || '')")
    assert [each for each in links if EVIL in str(each) or str(each).startswith("javascript:")] == [], told
    assert page.evaluate("getComputedStyle(document.body).display") != "none", told
    assert visitor.wrong == [], told
