"""What a person can press in the console, asked for over HTTP: by who may, and with whose word it was."""

from __future__ import annotations

import json

from ledger.models import Run, UserSettings
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_api import run

__all__ = ["run"]  # a fixture


async def test_an_agent_is_changed_and_given_another_text_to_read(gateway: Gateway) -> None:
    path = "/api/agents/security-auditor"
    async with gateway.client("approver") as client:
        assert (await client.put(path, json={"enabled": False})).status_code == 403
    async with gateway.client("admin") as client:
        before = (await client.get(path)).json()
        changed = (await client.put(path, json={"enabled": False, "goals": ["Look twice"]})).json()
        assert (changed["enabled"], changed["goals"], changed["tools"]) == (False, ["Look twice"], before["tools"])
        assert (await client.put(path, json={"goals": [""]})).status_code == 422
        text = (await client.get(f"{path}/onboarding")).json()
        body = {"text": f"{text['text']}\nAnd twice.", "version": text["version"]}
        written = await client.put(f"{path}/onboarding/text", json=body)
        assert written.json()["version"] == text["version"] + 1, written.text
        assert (await client.put(f"{path}/onboarding/text", json={**body, "text": "Mine"})).status_code == 409


async def test_settings_of_a_project(gateway: Gateway, run: Run) -> None:
    path = f"/api/projects/{run.project_id}/settings"
    async with gateway.client("admin") as client:
        changed = (await client.patch(path, json={"maxRounds": 5, "budget": {"usd": 2.5}})).json()
        assert (changed["maxRounds"], changed["budget"]["usd"]) == (5, 2.5)
        assert (await client.get(path)).json() == changed
        for wrong in ({"maxRounds": 99}, {"maxRounds": True}, {"requireApproval": 0}, {"budget": {"minutes": False}}):
            assert (await client.patch(path, json=wrong)).status_code == 422, wrong
        assert (await client.patch(path, json={"deploymentStrategy": "manual"})).status_code == 200
        agent = "/api/agents/developer-implementer"
        assert (await client.put(agent, json={"enabled": 0})).status_code == 422
    async with gateway.client("approver") as client:
        assert (await client.patch(path, json={"maxRounds": 1})).status_code == 403
    settings = await gateway.store.get(UserSettings, run.project_id)
    assert [each.by for each in settings.history] == ["a-admin", "a-admin"]


async def test_a_budget_is_set_and_a_plan_approved_by_who_may(gateway: Gateway, run: Run) -> None:
    path = f"/api/runs/{run.id}"
    async with gateway.client("operator") as client:
        assert (await client.put(f"{path}/budget", json={"usd": 3})).status_code == 403
        assert (await client.post(f"{path}/approve")).status_code == 403
        assert (await client.get(f"{path}/budget")).json()["budget"]["usd"] is None
    async with gateway.client("approver") as client:
        assert (await client.put(f"{path}/budget", json={"minutes": False})).status_code == 422
        told = (await client.put(f"{path}/budget", json={"usd": 3, "tokens": 1000})).json()
        assert (told["budget"], told["said"]) == ({"usd": 3, "tokens": 1000, "minutes": None}, "")
        assert (await client.post(f"{path}/approve")).status_code == 409  # no plan waits


async def test_everything_of_a_repository_is_paused(gateway: Gateway, run: Run) -> None:
    async with gateway.client("operator") as client:
        paused = (await client.post("/api/pause-all", json={"repo": run.repo, "reason": "fire"})).json()
        assert [each["runId"] for each in paused] == [run.id]
        assert "by a-operator" in paused[0]["said"]
        # no Prefect in this stack: refused, and nothing was changed
        assert (await client.post("/api/resume-all", json={"repo": run.repo})).status_code == 503
    async with gateway.client("viewer") as client:
        assert (await client.post("/api/pause-all", json={"repo": run.repo})).status_code == 403


async def test_the_chain_is_verified_and_exported(gateway: Gateway, run: Run) -> None:
    async with gateway.client("viewer") as client:
        told = (await client.get(f"/api/runs/{run.id}/audit")).json()
        lines = (await client.get(f"/api/runs/{run.id}/audit/export")).text.splitlines()
        assert (await client.get("/api/runs/r-20261123-zzzzzz/audit/export")).status_code == 404
    assert (told["whole"], told["events"], told["head"]["seq"]) == (True, len(lines), len(lines))
    assert json.loads(lines[-1])["hash"] == told["head"]["hash"]
