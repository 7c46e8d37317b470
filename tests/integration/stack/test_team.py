"""The team's stack: what compose makes of its file, secrets by file, and the parts that a container is."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments import serve
from deployments.ports import free_port
from deployments.stack import LocalStack
from deployments.worker import ASKS
from gateway.settings import load_gateway
from shipline.config import load_settings
from shipline.login import load_login
from tasks.agents.settings import CoderSettings, PlannerSettings

pytestmark = pytest.mark.timeout(120)
compose = pytest.mark.slow  # with compose, which CI installs and `make test` asks of nobody
ROOT = Path(__file__).parents[3]
ASKED = {
    "SHIPLINE_GITHUB_APP_ID": "1", "SHIPLINE_PUBLIC_URL": "https://shipline.example.com",
    "SHIPLINE_CONSOLE_ROLES": '{"ann@example.com": "admin"}', "SHIPLINE_OIDC_ISSUER": "https://login.example.com",
    "SHIPLINE_OIDC_CLIENT_ID": "shipline", "SHIPLINE_OIDC_REDIRECT_URI": "https://shipline.example.com/oauth2callback",
}  # fmt: skip


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of secrets, as make.sh fills it."""
    folder = tmp_path_factory.mktemp("team") / "secrets"
    folder.mkdir()
    shutil.copy(ROOT / "deployments" / "secrets" / "make.sh", folder)
    subprocess.run([folder / "make.sh"], capture_output=True, check=True)
    said = subprocess.run([folder / "make.sh"], capture_output=True, text=True, check=True).stdout
    assert "made" not in said
    assert "missing: github_app_key" in said
    return folder


@pytest.fixture(scope="module")
def composed() -> Any:
    """The stack as compose reads it."""
    asked = ["docker", "compose", "version"]
    modern = shutil.which("docker") and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    program = ["docker", "compose"] if modern else ["docker-compose"]
    done = subprocess.run(
        [*program, "-f", str(ROOT / "deployments" / "compose.yaml"), "config"],
        env={**os.environ, **ASKED}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@compose
def test_compose_reads_it_and_every_part_says_whether_it_is_well(composed: Any) -> None:
    assert set(composed["services"]) == {
        "mongodb", "postgres", "redis", "prefect", "prefect-services", "register", "worker", "gateway", "console",
    }  # fmt: skip
    for name in ("mongodb", "postgres", "redis", "prefect", "worker", "gateway", "console"):
        assert "test" in composed["services"][name]["healthcheck"], name
    for name in ("mongodb", "postgres", "redis"):
        assert composed["services"][name]["volumes"], name


@compose
def test_nothing_but_gateway_and_console_is_published_and_those_on_this_machine(composed: Any) -> None:
    published = {name: each["ports"] for name, each in composed["services"].items() if each.get("ports")}
    assert set(published) == {"gateway", "console"}
    for ports in published.values():
        for port in ports:
            assert (port["host_ip"] if isinstance(port, dict) else port.split(":")[0]) == "127.0.0.1"


@compose
def test_no_secret_is_in_the_environment_of_a_container(composed: Any, secrets: Path) -> None:
    for name, service in composed["services"].items():
        for variable, value in (service.get("environment") or {}).items():
            told = {"SECRET", "TOKEN", "KEY"} & set(variable.split("_"))
            assert not told or str(value).startswith("/run/secrets/"), (name, variable)
            assert "PASSWORD" not in variable or str(value).startswith("/run/secrets/"), (name, variable)
    made = {each.name for each in secrets.iterdir()} - {"make.sh"}
    assert made | {"github_app_key", "shipline_oidc_client_secret"} == set(composed["secrets"])


def test_settings_come_from_a_folder_of_secrets(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPLINE_SECRETS_DIR", str(secrets))
    settings = load_settings()
    password = (secrets / "mongodb_password").read_text()
    assert (
        settings.require_mongodb()
        == f"mongodb://shipline:{password}@mongodb:27017/?replicaSet=shipline&authSource=admin"
    )
    assert settings.dispatch_secret is not None
    assert settings.dispatch_secret.get_secret_value() == (secrets / "shipline_dispatch_secret").read_text()
    assert (PlannerSettings().planner_key, CoderSettings().cursor_api_key) == (None, None)  # empty files
    for name in ("nvidia_api_key", "cursor_api_key"):
        (secrets / name).chmod(0o600)
        (secrets / name).write_text(f"{name}-of-a-file\n")
    planner, coder = PlannerSettings().planner_key, CoderSettings().cursor_api_key
    assert planner is not None and planner.get_secret_value() == "nvidia_api_key-of-a-file"
    assert coder is not None and coder.get_secret_value() == "cursor_api_key-of-a-file"
    gateway = load_gateway()
    assert len(gateway.secrets()) == 1
    assert [each.name for each in gateway.callers().values()] == ["me"]
    assert load_login().oidc_cookie_secret.get_secret_value() == (secrets / "shipline_oidc_cookie_secret").read_text()
    monkeypatch.setenv("SHIPLINE_MONGODB_URI", "mongodb://elsewhere")
    assert load_settings().mongodb_uri == "mongodb://elsewhere"  # the environment goes first


async def test_the_gateway_of_a_container_answers(secrets: Path, tmp_path: Path) -> None:
    async with LocalStack(tmp_path, fixed_ports=False, parts=("mongodb",)) as stack:
        port = free_port(frozenset())
        code = f"import deployments.serve as s; s.GATEWAY_PORT='{port}'; s.EVERYWHERE='127.0.0.1'; s.main(['gateway'])"
        known = {**os.environ, **stack.environment(), "SHIPLINE_SECRETS_DIR": str(secrets)}
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=known, cwd=ROOT)
        try:
            token = json.loads((secrets / "shipline_api_tokens").read_text())["me"].partition(":")[2]
            transport = httpx.AsyncHTTPTransport(retries=8)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", transport=transport) as client:
                assert (await client.get("/healthz")).status_code == 200
                headers = {"Authorization": f"Bearer {token}"}
                asked = await client.get("/api/runs/r-20261123-abcdef", headers=headers)
                assert asked.status_code == 404, asked.text  # let in, and there is no such run
        finally:
            process.terminate()
            await process.wait()


def test_the_worker_of_a_container_says_where_it_is_looked_for_whether_it_asks_for_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*serve.HEALTH, *ASKS):
        monkeypatch.setenv(name, "")  # put back afterwards
    assert serve.PARTS["worker"]()[-1] == "--with-healthcheck"
    asked = yaml.safe_load((ROOT / "deployments" / "compose.yaml").read_text())["services"]["worker"]["healthcheck"]
    host, port = (os.environ[f"PREFECT_WORKER_WEBSERVER_{each}"] for each in ("HOST", "PORT"))
    assert f"http://{host}:{port}/health" in asked["test"][-1]


@pytest.mark.parametrize(("words", "said"), [(["nonsense"], "console|gateway|worker|register"),
                                             (["console"], "SHIPLINE_CONSOLE_ADDRESS=0.0.0.0")])  # fmt: skip
def test_a_part_that_cannot_be_says_why(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.serve", *words], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
