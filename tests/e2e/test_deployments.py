"""Every deployment of ``prefect.yaml``: registered, started as the command line and the UI do, and by its schedule."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import ROOT, environment, shipline
from tests.e2e.ground import Ground

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

DECLARED: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
NAMES = [each["name"] for each in DECLARED]
# What each is started with here; a run that has ended makes every stage a matter of looking.
OF_A_RUN = ("deliver", "spec", "plan", "execute", "qa", "merge", "release", "deploy")
SCHEDULED = ("reconcile", "retention", "audit")
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def run(stack: Path) -> str:
    """The run of the demo, which has ended with a release."""
    found = json.loads(shipline(stack, "runs", "--json").out)
    return str(next(each["_id"] for each in found if each["outcome"] == "succeeded" and each["release"]))


def _deployment(ground: Ground, name: str) -> dict[str, Any]:
    answer = ground.ask("GET", f"/deployments/name/{name}/{name}")
    assert answer.status_code == 200, f"{name}: {answer.text}"
    return dict(answer.json())


def _start(ground: Ground, name: str, parameters: dict[str, Any]) -> str:
    """A flow run as the UI makes one; its id."""
    body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    path = f"/deployments/{_deployment(ground, name)['id']}/create_flow_run"
    started = ground.ask("POST", path, body)
    assert started.status_code == 201, started.text
    return str(started.json()["id"])


def _end(ground: Ground, flow_run: str, within: float = 240) -> dict[str, Any]:
    until = time.monotonic() + within
    while (found := dict(ground.ask("GET", f"/flow_runs/{flow_run}").json()))["state_type"] not in ENDED:
        if time.monotonic() > until:
            break
        time.sleep(0.5)
    else:
        return found
    raise AssertionError(f"{found['name']} is still {found['state_name']}")


def test_every_deployment_is_registered_with_what_a_person_reads(ground: Ground) -> None:
    for declared in DECLARED:
        found = _deployment(ground, declared["name"])
        assert found["description"] == declared["description"]
        assert "shipline" in found["tags"]
        assert len(found["schedules"]) == len(declared.get("schedules", []))
        properties = found["parameter_openapi_schema"]["properties"]
        assert all("type" in each or "anyOf" in each for each in properties.values())
    assert {name for name in NAMES if _deployment(ground, name)["schedules"]} == set(SCHEDULED)


def _parameters(name: str, run: str) -> dict[str, Any]:
    return {"run_id": run} if name in OF_A_RUN else {}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long) for name in OF_A_RUN] + [*SCHEDULED])
def test_it_starts_as_the_ui_starts_it(ground: Ground, run: str, name: str) -> None:
    ended = _end(ground, _start(ground, name, _parameters(name, run)))
    assert ended["state_type"] == "COMPLETED", ended["state"]["message"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["execute", *SCHEDULED])
def test_it_starts_from_the_command_line(stack: Path, ground: Ground, run: str, name: str) -> None:
    words = [word for key, value in _parameters(name, run).items() for word in ("--param", f"{key}={value}")]
    said = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "run", f"{name}/{name}", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=environment(stack, PREFECT_API_URL=str(ground.told["prefect_api_url"])),
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    newest = {"sort": "EXPECTED_START_TIME_DESC", "limit": 50, "flows": {"name": {"any_": [name]}}}
    made = [each for each in ground.ask("POST", "/flow_runs/filter", newest).json() if not each["auto_scheduled"]]
    assert _end(ground, max(made, key=lambda each: each["created"])["id"])["state_type"] == "COMPLETED"


def test_a_rollback_without_a_release_before_says_so(ground: Ground, run: str) -> None:
    ended = _end(ground, _start(ground, "rollback", {"run_id": run}))
    assert ended["state_type"] == "FAILED"
    assert "There is no release before v" in ended["state"]["message"]


def test_a_schedule_fires_by_itself(ground: Ground) -> None:
    found = _deployment(ground, "reconcile")
    soon = {"schedule": {"interval": 5, "anchor_date": datetime.now(UTC).isoformat()}, "active": True}
    made = ground.ask("POST", f"/deployments/{found['id']}/schedules", [soon])
    assert made.status_code in (200, 201), made.text
    try:
        ended = _end(ground, _fired(ground, found["id"]))
        assert ended["auto_scheduled"]
        assert ended["state_type"] == "COMPLETED"
    finally:
        for each in made.json():
            ground.ask("DELETE", f"/deployments/{found['id']}/schedules/{each['id']}")


def _fired(ground: Ground, deployment: str) -> str:
    """A flow run that nobody asked for and that a worker has begun."""
    asked = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["RUNNING", "COMPLETED"]}}},
        "sort": "EXPECTED_START_TIME_DESC",
    }
    began = datetime.now(UTC).isoformat()
    for _ in range(480):  # Prefect's scheduler looks once a minute
        page = ground.ask("POST", "/flow_runs/filter", asked).json()
        fired = [each for each in page if each["auto_scheduled"] and each["expected_start_time"] > began]
        if fired:
            return str(fired[0]["id"])
        time.sleep(0.5)
    raise AssertionError("no schedule fired")


def test_doctor_says_that_nothing_is_out_of_order(stack: Path, run: str) -> None:
    said = shipline(stack, "doctor", "--run", run)
    assert said.code == 0, said.out + said.err
    assert "nothing is out of order" in said.out
