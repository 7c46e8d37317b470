"""What a person changes of how Shipline works: kept with who and what before; refused in words; nobody's is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from console.cli import app
from ledger.models import Agent, AgentType, Budget, OnboardingDoc, Run, UserSettings
from ledger.runs import create_run
from ledger.store import Store
from shipline.errors import AgentError, InvalidInput, NotFound
from tasks.administration import catalog, change_agent, change_settings, project_settings, write_onboarding
from tasks.agents.ask import catalog_agent, compose
from tasks.context import close_context, context

REPO = "o/admin"


@pytest.fixture
async def run(store: Store, mongodb: str, database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """A run of the repository."""
    told = {"SHIPLINE_MONGODB_URI": mongodb, "SHIPLINE_DATABASE": database, "SHIPLINE_GITHUB_TOKEN": "t0ken-of-a-test"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    await close_context()
    yield await create_run(store, "an idea", REPO, "main")
    await close_context()


async def test_a_setting_says_who_changed_it_and_from_what(store: Store, run: Run) -> None:
    await change_settings(REPO, {"coverage_percent": 90, "budget": Budget(usd=5)}, by="ann")
    await change_settings(REPO, {"coverage_percent": "90"}, by="bob")  # no change, nothing to tell
    kept = await store.get(UserSettings, run.project_id)
    assert (kept.coverage_percent, kept.budget.usd, kept.deployment_env) == (90, 5, None)
    assert [(each.by, each.changes) for each in kept.history] == [
        ("ann", {"coverage_percent": ("80.0", "90.0"), "budget": ("none", "usd 5")}),
    ]  # fmt: skip


async def test_what_a_project_leaves_open_is_as_the_user_says(store: Store, run: Run) -> None:
    await change_settings(None, {"max_rounds": 6, "deployment_strategy": "manual"}, by="ann")
    await change_settings(REPO, {"max_rounds": 4}, by="bob")
    found = await project_settings(REPO)
    assert (found.max_rounds, found.deployment_strategy, found.coverage_percent) == (4, "manual", 80)
    sources = [found.sources[name] for name in ("max_rounds", "deployment_strategy", "coverage_percent")]
    assert sources == ["project", "user", "default"]
    taken_back = await change_settings(REPO, {"max_rounds": None}, by="bob")
    assert (taken_back.max_rounds, taken_back.sources["max_rounds"]) == (6, "user")
    assert [each.changes for each in taken_back.history] == [{"max_rounds": ("6", "4")}, {"max_rounds": ("4", "6")}]


async def test_an_old_document_is_whole_after_its_first_change(store: Store, run: Run) -> None:
    old = {"deploymentEnv": "local", "maxRounds": 3, "coveragePercent": 70.0, "deploymentStrategy": "process"}
    raw = store.collection(UserSettings)
    await raw.update_one({"_id": run.project_id}, {"$set": old, "$unset": {"layered": 1}})
    await change_settings(REPO, {"max_rounds": 3}, by="ann")
    found = await project_settings(REPO)
    assert (found.sources["max_rounds"], found.sources["deployment_env"]) == ("project", "default")
    assert (found.coverage_percent, found.sources["coverage_percent"]) == (70, "project")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"coverage_percent": 101}, "coverage_percent is not usable"),
        ({"max_rounds": "many"}, "max_rounds is not usable"),
        ({"budget": {"usd": -1}}, "budget.usd is not usable"),
        ({"deployment_env": ""}, "deployment_env is not usable"),
        ({"project_id": "x"}, "There is no setting 'project_id'"),
    ],
)
async def test_a_wrong_value_is_refused_and_changes_nothing(
    store: Store, run: Run, values: dict[str, object], said: str
) -> None:
    before = await store.get(UserSettings, run.project_id)
    with pytest.raises(InvalidInput, match=said):
        await change_settings(REPO, values, by="ann")
    assert await store.get(UserSettings, run.project_id) == before


async def test_two_who_change_at_once_both_stand_in_the_history(store: Store, run: Run) -> None:
    await asyncio.gather(*(change_settings(REPO, {"max_rounds": n}, by=f"p{n}") for n in range(4, 9)))
    kept = await store.get(UserSettings, run.project_id)
    assert sorted(each.by for each in kept.history) == [f"p{n}" for n in range(4, 9)]
    chain = [each.changes["max_rounds"] for each in kept.history]
    assert [old for old, _ in chain] == ["3", *[new for _, new in chain[:-1]]]


async def test_a_repository_that_nobody_worked_on_has_no_settings(run: Run) -> None:
    with pytest.raises(NotFound, match="o/nobody has no project yet"):
        await project_settings("o/nobody")


async def test_an_agent_that_is_off_is_not_asked(store: Store, run: Run) -> None:
    await change_agent(AgentType.CODE_REVIEWER, {"enabled": False, "constraints": ["Be kind"]}, by="ann")
    with pytest.raises(AgentError, match="switched off"):
        await catalog_agent(await context(), AgentType.CODE_REVIEWER)
    kept = await store.get(Agent, "code-reviewer")
    assert (kept.history[0].by, kept.history[0].changes["enabled"]) == ("ann", ("True", "False"))
    with pytest.raises(InvalidInput, match="no setting 'engine'"):
        await change_agent(AgentType.CODE_REVIEWER, {"engine": "cursor"}, by="ann")


async def test_what_an_agent_reads_first_is_read_in_its_newest_version(store: Store, run: Run) -> None:
    _, documents = await catalog()
    first = next(each for each in documents if each.id == "onboarding/reviewer.md")
    await write_onboarding(first.id, "Read slowly.", by="ann", version=first.version)
    with pytest.raises(InvalidInput, match="was changed meanwhile"):
        await write_onboarding(first.id, "Read fast.", by="bob", version=first.version)
    kept = await store.get(OnboardingDoc, first.id)
    assert (kept.text, kept.version, kept.earlier[0].text) == ("Read slowly.", 2, first.text)
    job = await compose(await context(), run, AgentType.CODE_REVIEWER, "Review it")
    assert job.context.startswith("Read slowly.")
    with pytest.raises(InvalidInput, match="1 to 100,000"):
        await write_onboarding(first.id, " ", by="ann", version=2)


async def test_the_same_is_done_on_the_command_line(store: Store, run: Run) -> None:
    def called(*words: str) -> str:
        done = CliRunner().invoke(app, [*words])
        assert done.exception is None, done.exception
        return done.output

    async def call(*words: str) -> str:
        return await asyncio.to_thread(called, *words)

    changed = await call("settings", REPO, "--set", "max_rounds=5", "--set", "budget.usd=2.5", "--json")
    assert json.loads(changed)["budget"]["usd"] == 2.5
    assert "max_rounds                    5" in await call("settings", REPO)
    await call("settings", REPO, "--set", "budget.usd=")
    assert (await project_settings(REPO)).budget.usd is None
    await call("settings", "--user", "--set", "deployment_target=docker")
    assert "deployment_target             docker       from: user" in await call("settings", REPO)
    await call("settings", "--user", "--set", "deployment_target=")
    assert "deployment_target             process      from: default" in await call("settings", REPO)
    assert "(off)" in await call("agents", "qa-tester", "--off")
    assert "spec-writer" in await call("agents")
    told = json.loads(await call("agents", "qa-tester", "--set", "goals=One", "--set", "goals=Two", "--json"))
    assert (told[0]["goals"], told[0]["enabled"]) == (["One", "Two"], False)
    assert json.loads(await call("agents", "qa-tester", "--set", "tools=", "--json"))[0]["tools"] == []
    exported = [json.loads(line) for line in (await call("audit", "export", run.id)).splitlines()]
    assert [each["seq"] for each in exported] == list(range(1, len(exported) + 1))
    nowhere = await asyncio.to_thread(CliRunner().invoke, app, ["merge", "o/nowhere", "3"])
    assert "has no project yet" in str(nowhere.exception)
    assert "onboarding/dev.md  version 1" in await call("onboarding")
    with pytest.raises(InvalidInput, match="not NAME=VALUE"):
        raise_it = await asyncio.to_thread(CliRunner().invoke, app, ["settings", REPO, "--set", "max_rounds"])
        assert raise_it.exception is not None
        raise raise_it.exception
