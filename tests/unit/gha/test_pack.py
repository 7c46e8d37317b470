"""The workflow pack: pinned, with few permissions, flat, and with no text of an event in a shell."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gha.files import pack_files

FILES = pack_files()
WORKFLOWS = {path: text for path, text in FILES.items() if path.startswith(".github/workflows/")}
# The notes, §5, §9.4 and §2.1.
NAMED = (
    "ai.spec", "ai.plan", "issues.sync", "branch.manage", "agent.cursor.execute", "agent.cursor.review", "qa.run",
    "sec.scan", "qa.defect.file", "merge.gate", "release.notes", "deploy.env", "audit.emit", "artifacts.retention",
    "exec.loop", "ai.nemotron.run",
)  # fmt: skip
PINNED = re.compile(r"^actions/[a-z-]+@[0-9a-f]{40}$")


def parsed(path: str) -> Any:
    """A file of the pack; ``on`` is a word and not true."""
    return yaml.load(FILES[path].replace("\non:", "\n'on':"), Loader=yaml.SafeLoader)


def steps(path: str) -> Iterator[dict[str, Any]]:
    """Every step of a workflow or an action."""
    found = parsed(path)
    for job in found.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from found.get("runs", {}).get("steps", [])


def test_it_has_every_workflow_of_the_notes_flat_under_its_name() -> None:
    wanted = {f".github/workflows/reusable-{name}.yml" for name in NAMED} | {".github/workflows/orchestrator.yml"}
    assert wanted <= set(WORKFLOWS)
    assert all(path.count("/") == 2 for path in WORKFLOWS)
    for name in NAMED:
        assert parsed(f".github/workflows/reusable-{name}.yml")["name"] == name


@pytest.mark.parametrize("path", sorted(FILES))
def test_what_comes_from_elsewhere_is_pinned_by_its_sha(path: str) -> None:
    used = [each["uses"] for each in steps(path) if "uses" in each]
    used += [job["uses"] for job in parsed(path).get("jobs", {}).values() if "uses" in job]
    for each in used:
        if each.startswith("$/"):
            assert any(known.startswith(each.removeprefix("$/")) for known in FILES), each
        else:
            assert PINNED.match(each), each


@pytest.mark.parametrize("path", sorted(WORKFLOWS))
def test_nothing_is_permitted_that_a_job_does_not_name(path: str) -> None:
    found = parsed(path)
    assert found["permissions"] == {}
    for name, job in found["jobs"].items():
        assert isinstance(job["permissions"], dict), name


@pytest.mark.parametrize("path", sorted(FILES))
def test_no_expression_reaches_a_shell(path: str) -> None:
    for each in steps(path):
        assert "${{" not in each.get("run", ""), each["name"]


@pytest.mark.parametrize("path", sorted(WORKFLOWS))
def test_what_runs_the_repository_s_code_holds_no_secret_of_shipline_s(path: str) -> None:
    for job in parsed(path)["jobs"].values():
        if "steps" in job and any(each.get("with", {}).get("path") == "work" for each in job["steps"]):
            assert "SHIPLINE_DISPATCH_SECRET" not in yaml.safe_dump(job)


def test_tests_run_with_no_secret_at_all() -> None:
    for name in ("qa.run", "sec.scan"):
        work = parsed(f".github/workflows/reusable-{name}.yml")["jobs"]["work"]
        assert work["permissions"] == {"contents": "read"}
        assert "secrets." not in yaml.safe_dump(work)


def test_the_orchestrator_takes_every_request_and_keeps_a_group_for_each() -> None:
    found = parsed(".github/workflows/orchestrator.yml")
    types = found["on"]["repository_dispatch"]["types"]
    conditions = "\n".join(job["if"] for job in found["jobs"].values())
    assert all(f"'{each}'" in conditions for each in types)
    assert found["concurrency"]["cancel-in-progress"] is False
    assert "dispatchId" in found["concurrency"]["group"]
    assert found["run-name"].endswith("(${{ github.event.client_payload.dispatchId }})")


def test_an_enterprise_server_gets_the_form_that_it_knows() -> None:
    assert not any("$/" in text for text in pack_files(by_workspace=True).values())


def test_zizmor_finds_nothing_at_its_pedantic_persona(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    program = str(Path(sys.executable).parent / "zizmor")
    done = subprocess.run(
        [program, "--offline", "--persona", "pedantic", "--strict-collection", str(tmp_path / ".github")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout + done.stderr
