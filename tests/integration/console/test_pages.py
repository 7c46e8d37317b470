"""Every page as Streamlit runs it, on a real ledger: what it shows, what its buttons do, what it says in need."""

from __future__ import annotations

import gc
import getpass
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from console import bridge as bridges
from ledger.conversation import SHIPLINE, conversation
from ledger.issues import change_issue, store_plan
from ledger.models import (
    Agent,
    CheckReport,
    Deployment,
    DeploymentStatus,
    Effect,
    EventType,
    Finding,
    IssueType,
    Lease,
    OnboardingDoc,
    Plan,
    PlanNode,
    Run,
    Severity,
    UserSettings,
    Verdict,
    now,
)  # fmt: skip
from ledger.runs import create_run
from ledger.store import Store
from ledger.timeline import append, event

APP = str(Path(__file__).parents[3] / "console" / "web" / "app.py")
NASTY = "<script>alert(1)</script> ![x](http://example.org/x.png)"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def page(mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app as a person opens it, on this test's ledger."""
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    monkeypatch.setenv("SHIPLINE_DATABASE", database)
    monkeypatch.setenv("SHIPLINE_GITHUB_TOKEN", "ghp_nobody")
    bridges.bridge.cache_clear()
    yield AppTest.from_file(APP, default_timeout=60)
    bridges.bridge().close()
    bridges.bridge.cache_clear()


@pytest.fixture
async def run(store: Store) -> Run:
    """A run with a tree, whose first leaf stopped."""
    made = await create_run(store, f"{NASTY} Let it say hello.", "o/r", "main")
    task = {"type": IssueType.TASK, "parent": "epic", "requirements": ["R1"], "acceptance_criteria": [NASTY]}
    nodes = [PlanNode(key=key, title=f"{key} {NASTY}", body=NASTY, **task) for key in ("a", "b")]
    await store_plan(store, made, Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="Words"), *nodes]))
    await change_issue(store, made.id, "a", {"failure": NASTY})
    return made


def _opened(page: AppTest, name: str, **query: str) -> AppTest:
    page.query_params.update(query)
    page.switch_page(f"page/{name}.py").run()
    assert not page.exception, page.exception
    return page


def _html(page: AppTest) -> str:
    return "\n".join(each.proto.body for each in page.get("html"))


async def test_without_a_run_every_page_says_what_to_do(page: AppTest, store: Store) -> None:
    page.run()
    assert "No run yet" in page.info[0].value
    for name, said in (
        ("run", "No run yet"), ("deployments", "Nothing is deployed"), ("settings", "No repository yet"),
        ("code", "No run yet"),
    ):  # fmt: skip
        assert said in _opened(page, name).info[0].value
    assert "No run yet" in _opened(page, "audit").info[0].value
    assert "from its run" in _opened(page, "issue").info[0].value
    assert _opened(page, "new").selectbox[0].value == "demo/tally"
    assert "Nothing was said" in page.info[0].value
    assert "Try this idea" in [each.label for each in page.button]


async def test_home_shows_what_needs_a_person(page: AppTest, run: Run) -> None:
    page.run()
    assert [each.value for each in page.subheader] == ["Needs you (1)", "Waiting (0)", "Running (0)", "Done (0)"]
    assert "stopped: &lt;script&gt;" in _html(page)
    page.text_input[0].set_value("nothing like it").run()
    assert page.subheader[0].value == "Needs you (0)"
    page.text_input[0].set_value("").run()
    show, repository = page.selectbox
    show.set_value("Running").run()
    assert [each.value for each in page.subheader] == ["Running (0)"]
    assert repository.options == ["all", "o/r"]
    assert "Cost today" in _html(page)
    assert "✗ Prefect" in _html(page) or "– Prefect" in _html(page)


async def test_settings_are_changed_by_somebody_and_the_change_is_told(page: AppTest, store: Store, run: Run) -> None:
    _opened(page, "settings", repo="o/r")
    next(each for each in page.number_input if "coverage" in each.label).set_value(91.5)
    next(each for each in page.button if each.label == "Save").click().run()
    assert not page.error, page.error[0].value
    kept = await store.get(UserSettings, run.project_id)
    assert (kept.coverage_percent, kept.history[0].by) == (91.5, getpass.getuser())
    assert page.dataframe[0].value["What"].tolist() == ["coverage percent"]
    next(each for each in page.text_input if each.label == "Environment").set_value("")
    next(each for each in page.button if each.label == "Save").click().run()
    assert "deployment\\_env is not usable" in page.error[0].value


async def test_an_agent_is_switched_off_and_its_document_gets_a_version(page: AppTest, store: Store, run: Run) -> None:
    _opened(page, "agents", agent="code-reviewer")
    page.toggle[0].set_value(False)
    next(each for each in page.button if each.label == "Save").click().run()
    assert not page.error, page.error[0].value
    assert not (await store.get(Agent, "code-reviewer")).enabled
    document = next(each for each in page.text_area if each.label.startswith("onboarding/"))
    document.set_value(f"Be kind. {NASTY}").run()
    assert not any("![x]" in each.value for each in page.markdown)
    next(each for each in page.button if each.label == "Save as a new version").click().run()
    kept = await store.get(OnboardingDoc, "onboarding/reviewer.md")
    assert (kept.version, kept.by, len(kept.earlier)) == (2, getpass.getuser(), 1)
    assert kept.text.startswith("Be kind.")


async def test_a_branch_says_what_stands_between_it_and_its_merge(page: AppTest, store: Store, run: Run) -> None:
    _opened(page, "code", run=run.id, issue="a")
    assert "aria-label='Branches'" in _html(page)
    assert "Not mergeable yet" in _html(page)
    assert "<script" not in _html(page)
    gates = page.dataframe[0].value
    assert gates[gates["Gate"] == "Not stopped"]["Standing"].tolist() == ["✗ open"]


async def test_each_kind_of_evidence_has_its_place_on_the_issue(page: AppTest, store: Store, run: Run) -> None:
    finding = Finding(check="tests", severity=Severity.CRITICAL, title=NASTY, evidence=NASTY, fingerprint="f")
    report = CheckReport(check="tests", verdict=Verdict.FAILED, summary=NASTY, findings=[finding])
    key = f"{run.id}/trees/1/qa/abc"
    lease = Lease(owner="me", until=now())
    about = {"run_id": run.id, "node_key": "trees", "kind": "qa", "lease": lease}
    await store.insert(Effect(id=key, **about, outcome={"tree": "t", "reports": [report.model_dump(by_alias=True)]}))
    told = event(EventType.STEP_COMPLETED, "QA", "checked", node="a", data={"effect": key})
    await append(store, run.id, told)
    _opened(page, "issue", run=run.id, issue="a")
    tables = [each.value.columns.tolist() for each in page.dataframe]
    assert any("Verdict" in each for each in tables)
    assert any("Severity" in each for each in tables)
    assert "<script" not in _html(page)


async def test_a_deployment_can_be_rolled_back_only_where_something_is_older(
    page: AppTest, store: Store, run: Run
) -> None:
    about = {"run_id": run.id, "project_id": run.project_id, "repo": "o/r", "environment": "local", "target": "process"}
    for version, status in (("1.0.0", DeploymentStatus.REPLACED), ("1.1.0", DeploymentStatus.HEALTHY)):
        await store.insert(Deployment(id=version, **about, version=version, sha="a" * 40, status=status))
        _opened(page, "deployments")
        back = next(each for each in page.button if each.label == "Roll back …")
        assert back.disabled == (version == "1.0.0")
    next(each for each in page.button if each.label == "Deploy once more").click().run()
    assert "has no release" in page.error[0].value


async def test_a_run_is_paused_and_goes_nowhere_by_itself(page: AppTest, store: Store, run: Run) -> None:
    _opened(page, "run", run=run.id)
    assert "<script" not in _html(page)
    assert "#" not in page.button[0].label
    next(each for each in page.button if each.label == "Pause").click().run()
    assert not page.error, page.error[0].value
    paused = (await store.get(Run, run.id)).interrupt
    assert (paused.paused, paused.by, paused.reason) == (True, getpass.getuser(), "from the console")
    assert "Resume" in [each.label for each in page.run().button]
    assert "Paused by" in _html(page)


async def test_what_is_typed_is_done_and_answered(page: AppTest, store: Store, run: Run) -> None:
    _opened(page, "new", repo="o/r")
    page.chat_input[0].set_value(f"/pause {NASTY}").run()
    assert not page.exception
    assert (await store.get(Run, run.id)).interrupt.by == getpass.getuser()
    assert [each.author for each in await conversation(store, "o/r")] == [getpass.getuser(), SHIPLINE]
    assert "Nothing new starts" in _html(page)
    assert "<script" not in _html(page)
    assert 'aria-label="Stages"' in _html(page) or "Stages" in _html(page)
    commands = next(each for each in page.selectbox if each.label == "Command")
    assert commands.options == [f"/retry a {run.id}", f"/resume {run.id}", f"/status {run.id}", f"/advance {run.id}",
                                f"/cancel {run.id}", "/run", "/help"]  # fmt: skip
    commands.set_value(f"/status {run.id}").run()
    assert "Say where a run stands" in page.caption[0].value
    next(each for each in page.button if each.label == "Do it").click().run()
    assert "0 of 3 issues are done" in _html(page)


async def test_a_plan_is_shown_with_its_changes_and_is_not_approved_without_prefect(
    page: AppTest, store: Store, run: Run
) -> None:
    await store.change(Run, run.id, {"state": "ISSUE_TREE", "outcome": "planned", "dryRun": True})
    newer = await create_run(store, "An idea in other words", "o/r", "main", dry_run=True)
    leaf = PlanNode(key="a", type=IssueType.TASK, parent="epic", title="Another way")
    await store_plan(store, newer, Plan(nodes=[PlanNode(key="epic", type=IssueType.EPIC, title="Words"), leaf]))
    await store.change(Run, newer.id, {"state": "ISSUE_TREE", "outcome": "planned"})
    _opened(page, "new", repo="o/r")
    assert f"Changed since the plan of {run.id}" in _html(page)
    assert "- b b" in _html(page)
    assert "→ Another way" in _html(page)
    assert "<script" not in _html(page)
    next(each for each in page.button if each.label == "Approve").click().run()
    assert "Prefect" in page.error[0].value
    assert (await store.get(Run, newer.id)).approved_by is None
    await store.change(Run, newer.id, {"outcome": None})
    assert "Approve" not in [each.label for each in _opened(page, "run", run=newer.id, tab="Plan").button]


@pytest.mark.parametrize("tab", ["Issues", "Plan", "Graph", "Times", "Agents", "Log"])
async def test_each_part_of_a_run_is_reached_by_its_address(page: AppTest, run: Run, tab: str) -> None:
    _opened(page, "run", run=run.id, tab=tab)
    infos, captions = str([each.value for each in page.info]), str([each.value for each in page.caption])
    found = {
        "Issues": "issue?run=" in _html(page),
        "Plan": len(page.dataframe) == 1,
        "Graph": len(page.get("plotly_chart")) == 1,
        "Times": "Nothing has happened yet" in infos or page.get("plotly_chart"),
        "Agents": "No agent was asked yet" in captions and "Nothing yet" in captions,
        "Log": "aria-label='Log'" in _html(page) or "No line yet" in captions,
    }
    assert found[tab]


async def test_the_log_is_narrowed_by_issue_stage_and_level(page: AppTest, store: Store, run: Run) -> None:
    for msg, node, phase in (("of a", "a", "QA"), ("of b", "b", "QA"), ("early", "a", "ISSUE_TREE")):
        await append(store, run.id, event(EventType.STEP_COMPLETED, phase, msg, node=node))
    _opened(page, "run", run=run.id, tab="Log", node="a", stage="QA")
    assert "of a" in _html(page)
    assert "of b" not in _html(page)
    assert "early" not in _html(page)
    next(each for each in page.selectbox if each.label == "Of stage").set_value("").run()
    assert "early" in _html(page)
    next(each for each in page.selectbox if each.label == "Show").set_value("errors").run()
    assert "No line yet" in str([each.value for each in page.caption])


async def test_an_issue_shows_what_was_asked_and_can_be_retried(page: AppTest, run: Run) -> None:
    _opened(page, "issue", run=run.id, issue="a")
    assert [each.label for each in page.button] == ["Retry"]
    assert "<script" not in _html(page)
    assert NASTY in [each.value for each in page.text]  # as text, which nothing parses
    assert not any(NASTY in each.value for each in page.markdown)
    page.button[0].click().run()
    assert "Prefect" in page.error[0].value  # nothing could carry it: said in a sentence


async def test_an_issue_or_a_run_that_is_not_there_is_said(page: AppTest, run: Run) -> None:
    assert "no such issue" in _opened(page, "issue", run=run.id, issue="nowhere").info[0].value
    assert "There is no run" in _opened(page, "run", run="r-nowhere").warning[0].value


async def test_the_chain_of_a_run_is_checked(page: AppTest, run: Run) -> None:
    assert "is whole" in _opened(page, "audit", run=run.id).success[0].value


# The driver leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_without_a_ledger_the_page_says_so_and_recovers(
    page: AppTest, run: Run, monkeypatch: pytest.MonkeyPatch, mongodb: str
) -> None:
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", "mongodb://127.0.0.1:9/?directConnection=true")
    page.run()
    assert "MongoDB does not answer" in page.warning[0].value
    for name in ("run", "code", "agents", "settings", "audit", "new", "issue", "deployments", "home"):
        _opened(page, name)
        assert "MongoDB does not answer" in page.warning[0].value, name
        assert not [each for each in page.info if "No run yet" in each.value or "No repository" in each.value], name
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", mongodb)
    until = time.monotonic() + 30
    while page.run().warning and time.monotonic() < until:
        continue
    assert not page.warning
    assert page.subheader[0].value == "Needs you (1)"
    gc.collect()  # here, where its warning is expected
