"""Schemathesis over the gateway's OpenAPI: whatever is sent, what comes back is as described, and never a 500."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import IDEA, ROOT, environment, new_repository, shipline

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

SEED = "20261123"


def _run(url: str, token: str, folder: Path, *more: str, config: str = "") -> tuple[int, str]:
    """How many cases there were, and what was said; it fails with what schemathesis found."""
    (folder / "schemathesis.toml").write_text(config)
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"), "run",
         f"{url}/openapi.json", "-H", f"Authorization: Bearer {token}", "--seed", SEED, "--continue-on-failure",
         "--request-timeout", "60", *more],
        cwd=folder, env=environment(folder, PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"(\d+) generated", done.stdout)
    assert found is not None, done.stdout[-3000:] + done.stderr[-2000:]
    assert done.returncode == 0, done.stdout[-20_000:]
    return int(found[1]), done.stdout


@pytest.mark.parametrize(
    ("examples", "cases"),
    [pytest.param("8", 1500, marks=pytest.mark.long), pytest.param("60", 5000, marks=pytest.mark.long)],
    ids=["some", "many"],
)
def test_every_answer_is_as_described(stack: Path, tmp_path: Path, examples: str, cases: int) -> None:
    told = json.loads((stack / "stack.json").read_text())
    url, token = told["gateway_url"], (stack / "gateway" / "token").read_text()
    repo = new_repository(stack, f"schema-{examples}")
    said = shipline(stack, "run", IDEA, "--repo", repo, "--size", "small", "--dry-run", "--json")
    assert said.code == 0, said.err
    run = said.last_json["_id"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        project = client.get(f"/api/runs/{run}").json()["projectId"]
        with _as_it_was(client):
            _look(url, token, tmp_path, examples, cases, run, project)


@contextmanager
def _as_it_was(client: httpx.Client) -> Iterator[None]:
    """Other tests of this stack want their agents, what those read, and runs that start at once."""
    agents = client.get("/api/agents").json()
    texts = {each["id"]: client.get(f"/api/agents/{each['id']}/onboarding").json() for each in agents}
    try:
        yield
    finally:
        names = ("enabled", "goals", "tools", "constraints", "guardrails", "contextPacks")
        for each in agents:
            path = f"/api/agents/{each['id']}"
            client.put(path, json={name: each[name] for name in names}).raise_for_status()
            version = client.get(f"{path}/onboarding").json()["version"]
            if version and version != texts[each["id"]]["version"]:
                body = {"text": texts[each["id"]]["text"], "version": version}
                client.put(f"{path}/onboarding/text", json=body).raise_for_status()
        client.post("/api/resume-all", json={}, timeout=60).raise_for_status()


def _look(url: str, token: str, tmp_path: Path, examples: str, cases: int, run: str, project: str) -> None:
    blind, _ = _run(url, token, tmp_path, "-n", examples)
    # Once more on what is really there, so that more than a 404 comes back. A stream that is there has no end.
    ids = f"""
[[operations]]
include-path-regex = "^/api/runs/"
parameters = {{ runId = "{run}", nodeId = "cli-budget" }}

[[operations]]
include-path-regex = "^/api/projects/"
parameters = {{ id = "{project}", issueId = "cli-budget", prNumber = 1 }}

[[operations]]
include-path-regex = "^/api/issues/"
parameters = {{ id = "{run}/cli-budget" }}

[[operations]]
include-path-regex = "^/api/agents/"
parameters = {{ id = "code-reviewer" }}
"""
    # What agents read first stays: other tests of this stack replay what they were asked.
    never = "(stream|onboarding|onboarding/text)$"
    known, out = _run(url, token, tmp_path, "-n", examples, "--exclude-path-regex", never, config=ids)
    print(blind, known, out[-1500:])  # noqa: T201 (how many cases there were)
    assert blind + known >= cases
