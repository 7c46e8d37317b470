"""The doctor: says what is missing, side by side, and never raises."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from fastapi import FastAPI, Header, HTTPException
from pydantic import SecretStr

from deployments import doctor
from deployments.doctor import Check, checks
from deployments.ports import HOST, free_port
from shipline.config import Settings
from shipline.errors import ConfigError
from tests.services import cursor, nim
from tests.services.served import served


async def _said(settings: Settings) -> dict[str, Check]:
    return {each.name: each for each in await checks(settings)}


async def test_with_nothing_running_nothing_is_wrong() -> None:
    said = await _said(Settings())
    assert list(said) == ["python", "git", "mongod", "mongodb", "prefect", "github", "agents", "gateway", "home"]
    assert {name for name, each in said.items() if each.ok is None} == {"mongodb", "prefect", "github", "gateway"}
    assert [each for each in said.values() if each.ok is False] == []
    assert "recorded (thinking is replayed)" in said["agents"].detail


async def test_what_does_not_answer_is_said_within_seconds() -> None:
    nowhere = f"{HOST}:{free_port()}"
    began = time.monotonic()
    said = await _said(
        Settings(
            mongodb_uri=f"mongodb://{nowhere}",
            prefect_api_url=f"http://{nowhere}/api",
            github_api_url=f"http://{nowhere}",
            github_token=SecretStr("secret-token"),
            gateway_url=f"http://{nowhere}",
        )
    )
    assert time.monotonic() - began < 5
    for name in ("mongodb", "prefect", "github", "gateway"):
        assert said[name].ok is False
        assert "answer" in said[name].detail
    assert "secret-token" not in str(said)


@pytest.mark.parametrize("url", ["http://[", "nonsense", "http://127.0.0.1:notaport/api"])
async def test_an_address_that_is_none_is_said(url: str) -> None:
    said = await _said(
        Settings(mongodb_uri=url, prefect_api_url=url, github_api_url=url, github_token=SecretStr("t"), gateway_url=url)
    )
    assert [said[name].ok for name in ("mongodb", "prefect", "github", "gateway")] == [False] * 4


async def test_an_agent_that_cannot_be_had_is_said() -> None:
    assert (await _said(Settings(planner="nobody")))["agents"].ok is False


async def test_a_local_agent_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_ACP_COMMAND", "no-such-agent acp")
    assert "no-such-agent is not installed" in (await _said(Settings(coder="acp")))["agents"].detail
    monkeypatch.setenv("SHIPLINE_ACP_COMMAND", "git acp")
    assert "coder acp (git acp; " in (await _said(Settings(coder="acp")))["agents"].detail


async def test_agents_that_think_are_asked_whether_they_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    thinking = Settings(planner="nemotron", coder="cursor-cloud")
    with served(nim.Nim().app) as planners, served(cursor.Cursor("t").app) as cloud:
        for name, value in {
            "SHIPLINE_PLANNER_URL": f"{planners}/v1", "SHIPLINE_CURSOR_API_URL": cloud, "NVIDIA_API_KEY": nim.KEY,
            "CURSOR_API_KEY": cursor.KEY,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        good = (await _said(thinking))["agents"]
        assert good.ok, good
        assert f"nemotron ({nim.MODEL} at {planners}/v1)" in good.detail
        assert "cursor-cloud (key 'tests', the default model)" in good.detail
        with monkeypatch.context() as patch, served(nim.Nim().app) as own:
            role = {"url": f"{own}/v1", "key_from": "NVIDIA_API_KEY"}
            patch.setenv("SHIPLINE_PLANNER_ROLES", json.dumps({"release-manager": role}))
            both = (await _said(thinking))["agents"]
            assert both.ok, both
            assert f"{nim.MODEL} at {planners}/v1" in both.detail
            assert f"{nim.MODEL} at {own}/v1" in both.detail
            patch.setenv("SHIPLINE_PLANNER_ROLES", json.dumps({"release-manager": {**role, "model": "tiny"}}))
            bad = (await _said(thinking))["agents"]
            assert (bad.ok, f"{own}/v1 has no model tiny" in bad.detail) == (False, True), bad
        for name, value, words in (
            ("SHIPLINE_PLANNER_MODEL", "nvidia/of-last-year", "has no model nvidia/of-last-year"),
            ("CURSOR_API_KEY", "", "need a key"), ("CURSOR_API_KEY", "wrong", "unauthorized"),
            ("SHIPLINE_CURSOR_MODEL", "composer-0", "no model composer-0"),
            ("SHIPLINE_PLANNER_URL", cloud, "not with a list of models"),
        ):  # fmt: skip
            with monkeypatch.context() as patch:
                patch.setenv(name, value)
                bad = (await _said(thinking))["agents"]
            assert (bad.ok, words in bad.detail) == (False, True), bad
            assert bad.hint


async def test_a_mongod_is_needed_only_without_a_server_of_yours(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> tuple[Path, str]:
        raise ConfigError("No MongoDB was found on this machine.")

    monkeypatch.setattr(doctor, "find_mongod", none)
    assert (await _said(Settings()))["mongod"].ok is False
    assert (await _said(Settings(mongodb_uri="mongodb://nonsense:x")))["mongod"].ok is None


async def test_a_check_that_hangs_or_breaks_is_a_line_like_another(monkeypatch: pytest.MonkeyPatch) -> None:
    async def _git(_: Settings) -> Check:
        await asyncio.sleep(60)
        raise AssertionError

    async def _python(_: Settings) -> Check:
        raise RuntimeError("broken")

    monkeypatch.setattr(doctor, "LIMIT", 0.2)
    monkeypatch.setattr(doctor, "_git", _git)
    monkeypatch.setattr(doctor, "_python", _python)
    said = await _said(Settings())
    assert (said["git"].ok, said["python"].ok) == (False, False)
    assert said["python"].detail == "RuntimeError: broken"


async def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert (await _said(Settings(home=tmp_path / "file" / "home")))["home"].ok is False


async def test_an_agent_behind_http_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()

    @app.post("/adapters/cursor/execute/{id}/cancel")
    async def cancel(id: str, authorization: str = Header()) -> None:
        raise HTTPException(404 if authorization == "Bearer good-token" else 401, "Who?")

    monkeypatch.setenv("SHIPLINE_CODER_URL", f"http://{HOST}:{free_port()}")
    assert "does not answer" in (await _said(Settings(coder="http")))["agents"].detail
    with served(app) as url:
        monkeypatch.setenv("SHIPLINE_CODER_URL", url)
        monkeypatch.setenv("SHIPLINE_CODER_TOKEN", "bad-token")
        said = (await _said(Settings(coder="http")))["agents"]
        assert (said.ok, "does not take our token" in said.detail) == (False, True)
        monkeypatch.setenv("SHIPLINE_CODER_TOKEN", "good-token")
        said = (await _said(Settings(coder="http")))["agents"]
        assert said.ok
        assert f"coder http ({url})" in said.detail
